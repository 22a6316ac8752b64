"""The staves of each part, in reading order, joined into one line of measures.

Where a staff begins, its signs mostly restate what is in force, and a measure may go on that the
staff before left open. In a system of several staves that holds for all of them or for none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from omrcli.tokens import Barline, Clef, KeySignature, Note, Token

from .assembly import (
    Item,
    Segment,
    Signs,
    StaffLine,
    continues,
    cut_staff,
    drops_key,
    leading_tie,
    make_lines,
    opening_signs,
    tie_last,
)
from .parts import System, arrange_parts
from .shorthand import expand_shorthand


def join_staves(staves: Sequence[StaffLine | Sequence[Token]]) -> list[Segment]:
    """Join the staves of one part, given in reading order, into one line of measures.

    Every segment but the last has events. For a single staff this is `cut_staff`.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    lines = make_lines(staves)
    return join_systems(lines, arrange_parts(lines).systems)[0]


def join_systems(lines: Sequence[StaffLine], systems: Sequence[System]) -> list[list[Segment]]:
    """Join the staves of each part; a segment is of the system in which it begins.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    joined = [_Line() for _ in range(max((len(system.staves) for system in systems), default=1))]
    for number, system in enumerate(systems):
        cut: dict[int, list[Segment]] = {}
        for part, place in enumerate(system.staves):
            if place is not None:
                segments = cut_staff(lines[place].tokens, place, number)
                cut[part] = joined[part].prepare(segments, lines[place].tokens)
        goes_on = _vote(joined, cut)
        for part, segments in cut.items():
            joined[part].extend(segments, goes_on, number)
    return [expand_shorthand(line.segments) for line in joined]


@dataclass
class _Line:
    """The measures joined so far, the signs in force at their end, and the last system joined."""

    segments: list[Segment] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    reached: int = -1

    def prepare(self, segments: list[Segment], tokens: Sequence[Token]) -> list[Segment]:
        """The segments of a new staff, without what they only restate."""
        if not segments or not self.segments:
            return segments
        if leading_tie(tokens):
            self._tie_over_break()
        first = segments[0]
        if drops_key(opening_signs(tokens)) and self.signs.key not in (None, KeySignature(0)):
            first = _drop_key(first)
        first = _without_restatements(first, self.signs)
        if not self.segments[-1].has_events:  # signs after the last barline warn of what comes
            first = replace(first, items=self.segments.pop().items + first.items)
        if self.segments:
            first = self._meet_barline(first)
        return [first, *segments[1:]]

    def _tie_over_break(self) -> None:
        last = self.segments[-1]
        if last.items and isinstance(last.items[-1].symbol, Note):
            self.segments[-1] = tie_last(last)

    def _meet_barline(self, first: Segment) -> Segment:
        """The first segment without the line at the left end of a staff.

        It closes the measure before, or is one with its barline.
        """
        last = self.segments[-1]
        opening = next((item for item in first.items if isinstance(item.symbol, Barline)), None)
        if opening is None:
            return first
        self.segments[-1] = last if last.barline else replace(last, barline=Barline())
        if opening.symbol != Barline():
            return first
        return replace(first, items=tuple(item for item in first.items if item is not opening))

    def opinion(self, segments: Sequence[Segment]) -> bool | None:
        """Whether the new staff goes on with the last measure: None if nothing tells."""
        if not segments or not self.segments:
            return None
        return self.segments[-1].barline is None and self._fits(segments)

    def could_go_on(self, segments: Sequence[Segment]) -> bool:
        """Whether it might, were it not for the plain barline that was read."""
        last = self.segments[-1]
        return last.barline in (None, Barline()) and self._fits(segments)

    def _fits(self, segments: Sequence[Segment]) -> bool:
        return continues(self.segments[-1], segments[0], self.signs.time)

    def extend(self, segments: Sequence[Segment], goes_on: bool, system: int) -> None:
        """Add prepared segments; if the measure goes on the first is the rest of the last."""
        if segments and goes_on:
            before = system - 1
            if self.reached < before or not self.segments:
                # The part was absent, or silent: the others began this measure without it.
                segments = [replace(segments[0], system=before), *segments[1:]]
            elif self.could_go_on(segments):
                last = self.segments.pop()
                merged = replace(segments[0], items=last.items + segments[0].items)
                segments = [replace(merged, system=last.system), *segments[1:]]
        self.reached = system
        for segment in segments:
            self.segments.append(segment)
            for item in segment.items:
                self.signs.take(item.symbol)


def _vote(joined: Sequence[_Line], cut: Mapping[int, list[Segment]]) -> bool:
    """Whether a measure goes on over the line break, by what most parts show.

    Where as many say no, it must at least be possible for them.
    """
    opinions = {part: joined[part].opinion(segments) for part, segments in cut.items()}
    against = [part for part, opinion in opinions.items() if opinion is False]
    count = sum(opinion is True for opinion in opinions.values())
    if count != len(against):
        return count > len(against)
    return count > 0 and all(joined[part].could_go_on(cut[part]) for part in against)


def _drop_key(segment: Segment) -> Segment:
    """The segment with a key signature of C after its clef."""
    place = next(n for n, item in enumerate(segment.items) if isinstance(item.symbol, Clef))
    clef = segment.items[place]
    key = Item(KeySignature(0), clef.staff, clef.token, clef.confidence)
    return replace(segment, items=(*segment.items[: place + 1], key, *segment.items[place + 1 :]))


def _without_restatements(segment: Segment, signs: Signs) -> Segment:
    """Leave out the signs before the first event that are in force anyway."""
    kept: list[Item] = []
    for place, item in enumerate(segment.items):
        if item.is_event:
            return replace(segment, items=(*kept, *segment.items[place:]))
        if not signs.has(item.symbol):
            kept.append(item)
    return replace(segment, items=tuple(kept))
