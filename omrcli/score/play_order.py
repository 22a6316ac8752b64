"""The order in which the measures of a score are played: the one rule for repeats.

What stands between repeat signs is played twice. A bracket (ending) is played in the passes that
its number names, and a section with brackets as often as its brackets are numbered. After D.C. or
D.S. the music is played on from the start or the segno without repeats, with the last endings, up
to Fine, To Coda or the jump itself, and goes on behind the jump. Whatever the signs say, every
measure is played at least once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from omrcli.tokens import Barline

from .measures import Measure, Part

#: An ending of a higher number counts as this one: no printed music has more.
MAX_PASSES = 8
_STARTS, _ENDS = ("repeat-start", "repeat-both"), ("repeat-end", "repeat-both")


@dataclass(frozen=True)
class Flow:
    """What a measure says of the order of play.

    `starts` and `ends` are repeat signs at its left and right; `endings` are the numbers of the
    bracket over it. `jump` is played at its end, back to the start ("capo") or to the measure that
    `is_segno`; `is_fine` and `to_coda` end what is played after a jump, at the end of the measure.
    """

    starts: bool = False
    ends: bool = False
    endings: frozenset[int] = frozenset()
    jump: Literal["capo", "segno"] | None = None
    is_segno: bool = False
    is_fine: bool = False
    to_coda: bool = False


@dataclass(frozen=True)
class _Bracket:
    numbers: frozenset[int]
    places: range


@dataclass(frozen=True)
class _Section:
    """Measures that are repeated together: what all passes share, and brackets behind it."""

    body: range
    brackets: tuple[_Bracket, ...]
    is_repeated: bool

    def play(self) -> Iterator[int]:
        """The measures with all repeats."""
        numbers = frozenset().union(*(bracket.numbers for bracket in self.brackets))
        passes = sorted(numbers) if len(numbers) > 1 else [*numbers, *([0] if numbers else [0, 0])]
        for number in passes if self.is_repeated else [0]:
            yield from self.body
            for bracket in self.brackets:
                if number in bracket.numbers or not self.is_repeated:
                    yield from bracket.places

    def play_once(self) -> Iterator[int]:
        """The measures of the last pass."""
        yield from self.body
        if self.brackets:
            yield from self.brackets[-1].places


def play_order(flows: Sequence[Flow]) -> list[int]:
    """The indices of measures in the order in which they are played, repeats unrolled."""
    order: list[int] = []
    begin = 0
    for at, flow in enumerate(flows):
        if flow.jump or at == len(flows) - 1:
            sections = list(_sections(flows, range(begin, at + 1)))
            order += (place for section in sections for place in section.play())
            if flow.jump:
                order += _return(flows, sections, at)
            begin = at + 1
    return order


def _return(flows: Sequence[Flow], sections: Sequence[_Section], jump: int) -> list[int]:
    """What is played again after a jump."""
    straight = [place for section in sections for place in section.play_once()]
    start = 0
    if flows[jump].jump == "segno":
        segnos = [n for n, place in enumerate(straight) if flows[place].is_segno]
        if not segnos:  # the jump leads nowhere
            return []
        start = segnos[-1]
    played = straight[start:]
    is_last = jump == len(flows) - 1
    codas = [n for n, place in enumerate(played) if flows[place].to_coda and not is_last]
    fines = [n for n, place in enumerate(played) if flows[place].is_fine]
    last = (codas or fines or [len(played) - 1])[0]
    return played[: last + 1]


def _sections(flows: Sequence[Flow], places: range) -> Iterator[_Section]:
    begin, at = places.start, places.start
    while at < places.stop:
        if flows[at].starts and at > begin:
            yield _Section(range(begin, at), (), False)
            begin = at
        if flows[at].endings:
            brackets = _brackets(flows, range(at, places.stop))
            stop = brackets[-1].places.stop
            ends = any(flows[place].ends for place in range(at, stop))
            yield _Section(range(begin, at), brackets, ends or len(brackets) > 1)
            begin = at = stop
            continue
        if flows[at].ends:
            yield _Section(range(begin, at + 1), (), True)
            begin = at + 1
        at += 1
    yield _Section(range(begin, places.stop), (), False)


def _brackets(flows: Sequence[Flow], places: range) -> tuple[_Bracket, ...]:
    """The brackets that follow each other from the start of `places`, no number twice."""
    brackets: list[_Bracket] = []
    begin = places.start
    for at in places:
        following = flows[at + 1] if at + 1 < places.stop else Flow()
        numbers = flows[at].endings
        if numbers == following.endings and not flows[at].ends and not following.starts:
            continue
        brackets.append(_Bracket(_capped(numbers), range(begin, at + 1)))
        begin = at + 1
        seen = frozenset().union(*(bracket.numbers for bracket in brackets))
        if not following.endings or following.starts or seen & _capped(following.endings):
            break
    return tuple(brackets)


def _capped(numbers: frozenset[int]) -> frozenset[int]:
    return frozenset(min(number, MAX_PASSES) for number in numbers)


def part_flows(parts: Sequence[Part]) -> list[Flow]:
    """The repeat signs of parts in step: those that at least half of the parts have that show
    something there."""
    count = max((len(part.measures) for part in parts), default=0)
    columns = [
        [part.measures[at] for part in parts if at < len(part.measures)] for at in range(count)
    ]
    flows = []
    for at, column in enumerate(columns):
        before = columns[at - 1] if at else []
        after = columns[at + 1] if at + 1 < count else []
        starts = _most_say(column, _opens_with, _STARTS) or _most_say(before, _closes_with, _STARTS)
        ends = _most_say(column, _closes_with, _ENDS) or _most_say(after, _opens_with, _ENDS)
        flows.append(Flow(starts=starts, ends=ends))
    return flows


def _most_say(
    column: Sequence[Measure],
    says: Callable[[Measure, tuple[str, str]], bool],
    kinds: tuple[str, str],
) -> bool:
    """Whether at least half of the measures of a column in which something was read say so."""
    read = [measure for measure in column if not measure.is_filler]
    return bool(read) and 2 * sum(says(measure, kinds) for measure in read) >= len(read)


def _closes_with(measure: Measure, kinds: tuple[str, str]) -> bool:
    return measure.barline in kinds


def _opens_with(measure: Measure, kinds: tuple[str, str]) -> bool:
    signs = (change.symbol for change in measure.changes if change.before == 0)
    return any(isinstance(sign, Barline) and sign.kind in kinds for sign in signs)
