"""Files in a folder that a scanner writes to -> those that it has finished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .inputs import Input
from .work import stat_of

#: A file whose size and time have not changed for so many seconds is taken for finished.
QUIET = 2.0

_State = tuple[int, int]


@dataclass(frozen=True)
class _Sighting:
    """How a file looked, and since when (in seconds of any clock)."""

    state: _State
    since: float
    taken: bool = False


class Settling:
    """Remembers how files looked, and hands each state of a file out once."""

    def __init__(self, quiet: float = QUIET) -> None:
        self._quiet = quiet
        self._seen: dict[str, _Sighting] = {}

    def take(self, inputs: Iterable[Input], now: float) -> list[Input]:
        """Return the files that are finished, and were not handed out as they are."""
        settled = []
        seen: dict[str, _Sighting] = {}
        for item in inputs:
            state = stat_of(item.path)
            if state is None:
                continue
            sighting = self._seen.get(item.key)
            if sighting is None or sighting.state != state:
                sighting = _Sighting(state, now)
            if not sighting.taken and state[0] and now - sighting.since >= self._quiet:
                settled.append(item)
                sighting = _Sighting(state, sighting.since, taken=True)
            seen[item.key] = sighting
        self._seen = seen
        return settled
