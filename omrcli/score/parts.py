"""Which staff belongs to which part: the staves of each system are matched to the parts.

Staves that are joined on the page but whose barlines stand at different places do not sound
together; they are read one after the other. The fullest system tells how many parts there are. In a
system with fewer staves the others are silent and were left out: clefs, key signatures and the
order of the parts tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from omrcli.tokens import KeySignature

from .assembly import StaffLine, opening_signs
from .barlines import share_barlines

#: What speaks against a staff being of a part: a clef that the part never has at the start of a
#: full system, a key that it never has, and a part left out between it and the staff above. A clef
#: decides against any order; the order decides where clefs are alike.
WRONG_CLEF, WRONG_KEY, GAP = 8.0, 1.5, 1.0
#: Among equals the upper parts are the ones that play.
LOWER = 0.01


@dataclass(frozen=True)
class System:
    """Staves that sound together: for each part the index of its line, None where it has none."""

    page: int
    number: int
    staves: tuple[int | None, ...]

    @property
    def present(self) -> tuple[int, ...]:
        """The parts that have a staff, 0-based."""
        return tuple(part for part, staff in enumerate(self.staves) if staff is not None)

    def __str__(self) -> str:
        return f"page {self.page + 1}, system {self.number + 1}"


@dataclass(frozen=True)
class Arrangement:
    """The systems of a piece in reading order, and sentences on what was not plain."""

    systems: tuple[System, ...]
    notices: tuple[str, ...] = ()

    @property
    def parts(self) -> int:
        """How many parts there are; at least one."""
        return max((len(system.staves) for system in self.systems), default=1)


def arrange_parts(lines: Sequence[StaffLine]) -> Arrangement:
    """Match the staves, given in reading order, to parts.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    groups: list[list[int]] = []
    notices = []
    for _, group in groupby(
        range(len(lines)), key=lambda index: (lines[index].page, lines[index].system)
    ):
        staves = sorted(group, key=lambda index: lines[index].position)
        apart = _split(lines, staves)
        groups += apart
        if len(apart) > 1:
            notices.append(_not_together(lines[staves[0]], len(apart)))
    parts = max(map(len, groups), default=1)
    profiles = _profiles(lines, [group for group in groups if len(group) == parts])
    systems = [_place(lines, group, profiles) for group in groups]
    return Arrangement(tuple(systems), (*notices, *_notices(systems)))


def _split(lines: Sequence[StaffLine], staves: Sequence[int]) -> list[list[int]]:
    """The staves in groups that sound together."""
    votes = [share_barlines(lines[a], lines[b]) for a, b in pairwise(staves)]
    unsure = votes.count(True) >= votes.count(False)  # a line along the whole page joins too much
    groups = [list(staves[:1])]
    for staff, vote in zip(staves[1:], votes, strict=True):
        if unsure if vote is None else vote:
            groups[-1].append(staff)
        else:
            groups.append([staff])
    return groups


def _not_together(first: StaffLine, count: int) -> str:
    return (
        f"Page {first.page + 1}, system {first.system + 1}: the staves are joined, but their "
        f"barlines stand at different places; read as {count} systems."
    )


@dataclass(frozen=True)
class _Profile:
    """The clefs and key signatures that a part has at the start of full systems."""

    clefs: frozenset[object]
    keys: frozenset[object]

    def cost(self, line: StaffLine) -> float:
        """What speaks against the staff being of this part."""
        signs = opening_signs(line.tokens)
        key = signs.key or (KeySignature(0) if signs.clef else None)
        wrong_clef = bool(self.clefs) and signs.clef is not None and signs.clef not in self.clefs
        wrong_key = bool(self.keys) and key is not None and key not in self.keys
        return WRONG_CLEF * wrong_clef + WRONG_KEY * wrong_key


def _profiles(lines: Sequence[StaffLine], full: Sequence[Sequence[int]]) -> list[_Profile]:
    profiles = []
    for staves in zip(*full, strict=True):
        openings = [opening_signs(lines[index].tokens) for index in staves]
        seen = [signs for signs in openings if signs.clef]
        keys = frozenset(signs.key or KeySignature(0) for signs in seen)
        profiles.append(_Profile(frozenset(signs.clef for signs in seen), keys))
    return profiles


def _place(
    lines: Sequence[StaffLine], group: Sequence[int], profiles: Sequence[_Profile]
) -> System:
    """The system of a group of staves, its staves in the order of the parts."""
    chosen: Sequence[int] = range(len(profiles))
    if len(group) < len(profiles):
        costs = [[profile.cost(lines[index]) for profile in profiles] for index in group]
        chosen = match_in_order(costs)
    staves: list[int | None] = [None] * len(profiles)
    for part, index in zip(chosen, group, strict=True):
        staves[part] = index
    first = lines[group[0]]
    return System(first.page, first.system, tuple(staves))


def match_in_order(costs: Sequence[Sequence[float]]) -> list[int]:
    """The cheapest choice of a part for each staff, from top to bottom, no two of one part.

    `costs[s][p]` is the cost of staff `s` being of part `p`; parts left out between two staves cost
    `GAP`.
    """
    parts = range(len(costs[0]))
    best = {part: (costs[0][part] + LOWER * part, [part]) for part in parts}
    for row in costs[1:]:
        best = {
            part: min(
                (cost + row[part] + GAP * (part - chosen[-1] > 1) + LOWER * part, [*chosen, part])
                for before, (cost, chosen) in best.items()
                if before < part
            )
            for part in parts
            if any(before < part for before in best)
        }
    return min(best.values())[1]


def _notices(systems: Sequence[System]) -> list[str]:
    notices = []
    for system in systems:
        present, parts = system.present, len(system.staves)
        if len(present) < parts:
            names = ", ".join(str(part + 1) for part in present)
            staves = "1 staff" if len(present) == 1 else f"{len(present)} staves"
            plural = "s" if len(present) > 1 else ""
            notices.append(
                f"Of {parts} parts {system} has {staves}, taken for part{plural} {names}."
            )
    return notices
