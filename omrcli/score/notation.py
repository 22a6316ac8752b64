"""What notation adds to the events of a score: accidentals, tie ends, beams, tuplets, barlines.

These follow from the whole part, so they are worked out once, before any format is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from omrcli.reading.alphabet import shown_accidentals
from omrcli.tokens import DURATIONS, Barline, Note, Pitch, Symbol, Tie, TimeSignature

from .measures import Event, Measure, Part

_QUARTER = list(DURATIONS).index("quarter")


@dataclass(frozen=True)
class TupletMark:
    """Where an event stands in its tuplet, and whether that needs a bracket or a beam shows it."""

    starts: bool
    stops: bool
    bracket: bool


@dataclass(frozen=True)
class NotedEvent:
    """An event with all that its place in the part says about how it is drawn.

    `accidentals` are MEI names, one for each pitch, None where nothing is drawn; `beams` are the
    words of MusicXML, one for each beam.
    """

    event: Event
    accidentals: tuple[str | None, ...]
    tie_starts: frozenset[Pitch]
    tie_stops: frozenset[Pitch]
    beams: tuple[str, ...]
    tuplet: TupletMark | None


def note_events(part: Part) -> list[list[NotedEvent]]:
    """The events of a part, measure by measure, with what must be drawn at each."""
    accidentals = _accidentals(part)
    starts, stops = _tie_ends([event for measure in part.measures for event in measure.events])
    count = 0
    result = []
    for measure in part.measures:
        noted = []
        beams = beam_events(measure)
        for place, mark in enumerate(mark_tuplets(measure.events, beams)):
            ties = starts[count], stops[count]
            event = measure.events[place]
            noted.append(NotedEvent(event, next(accidentals), *ties, beams[place], mark))
            count += 1
        result.append(noted)
    return result


def _accidentals(part: Part) -> Iterator[tuple[str | None, ...]]:
    """The accidentals of each event. A measure ends an accidental, with or without a barline."""
    symbols: list[Symbol] = []
    places: list[int] = []
    for measure in part.measures:
        for index, event in enumerate(measure.events):
            symbols += [change.symbol for change in measure.changes if change.before == index]
            places.append(len(symbols))
            symbols.append(event.symbol)
            symbols += [Tie()] if event.tie_start else []
        symbols += [c.symbol for c in measure.changes if c.before == len(measure.events)]
        symbols.append(Barline())
    shown = shown_accidentals(symbols)
    return (shown[place] for place in places)


def _tie_ends(
    events: Sequence[Event],
) -> tuple[list[frozenset[Pitch]], list[frozenset[Pitch]]]:
    """The pitches of each event on which a tie starts, and on which one stops.

    Of a chord only what it has in common with the next is tied; a tie that leads nowhere starts
    on every pitch.
    """
    starts = [frozenset(event.pitches if event.tie_start else ()) for event in events]
    stops: list[frozenset[Pitch]] = [frozenset()] * len(events)
    for index, event in enumerate(events):
        if event.tie_start:
            end = _tie_end(events, index)
            if end is not None:
                stops[end] = starts[index] = starts[index] & frozenset(events[end].pitches)
    return starts, stops


def _tie_end(events: Sequence[Event], start: int) -> int | None:
    for index in range(start + 1, len(events)):
        if events[index].tie_stop:
            return index
        if events[index].kind != "grace":
            return None
    return None


def beam_events(measure: Measure) -> list[tuple[str, ...]]:
    """The beams of each event, from the eighth's inwards, in the words of MusicXML.

    Notes are beamed within the beats of the meter (quarters where there is none), grace notes
    within their run. Rests and unbeamed notes have an empty tuple.
    """
    beams: list[tuple[str, ...]] = [()] * len(measure.events)
    for group in _beam_groups(measure):
        levels = [_flags(measure.events[place]) for place in group]
        for position, place in enumerate(group):
            beams[place] = tuple(
                _beam(levels, position, level) for level in range(1, levels[position] + 1)
            )
    return beams


def _beam_groups(measure: Measure) -> Iterator[list[int]]:
    """Places of the events under one beam; only groups of two or more."""
    beat = _beat(measure.time)
    offset = Fraction(0)
    if measure.status == "pickup" and measure.expected is not None:
        offset = measure.expected - measure.actual
    groups: dict[tuple[bool, int, Fraction], list[int]] = {}
    run = {True: 0, False: 0}  # counted up by whatever breaks a beam of grace notes, or of others
    for place, event in enumerate(measure.events):
        is_grace = event.kind == "grace"
        if not is_grace:
            run[True] += 1
        if _flags(event):
            beats = Fraction(0) if is_grace else (event.onset + offset) // beat
            groups.setdefault((is_grace, run[is_grace], Fraction(beats)), []).append(place)
        else:
            run[is_grace] += 1
    return (group for group in groups.values() if len(group) > 1)


def _beam(levels: Sequence[int], position: int, level: int) -> str:
    before = position > 0 and levels[position - 1] >= level
    after = position + 1 < len(levels) and levels[position + 1] >= level
    if before or after:
        return "continue" if before and after else "end" if before else "begin"
    return "backward hook" if position else "forward hook"


def _flags(event: Event) -> int:
    """How many beams a note can bear: 1 for an eighth, 0 for a rest or a quarter."""
    if not isinstance(event.symbol, Note):
        return 0
    return max(0, list(DURATIONS).index(event.symbol.duration.base) - _QUARTER)


def _beat(time: TimeSignature | None) -> Fraction:
    """The span of a beam, in quarter notes."""
    if time is None or time.unit not in (2, 8, 16, 32):
        return Fraction(1)
    if time.unit > 4 and time.beats % 3 == 0:
        return Fraction(12, time.unit)
    return Fraction(2) if time.unit == 2 else Fraction(1)


def mark_tuplets(
    events: Sequence[Event], beams: Sequence[tuple[str, ...]]
) -> list[TupletMark | None]:
    """Group the tuplet events of a measure; a group is full when it holds what its ratio says.

    A single event has only its ratio and no mark: a bracket needs two ends.
    """
    marks: list[TupletMark | None] = [None] * len(events)
    for group in _tuplet_groups(events):
        shown = ["".join(beams[place][:1]) for place in group]
        inner = ["continue"] * (len(group) - 2)
        beamed = shown == ["begin", *inner, "end"]
        for place in group if len(group) > 1 else ():
            marks[place] = TupletMark(place == group[0], place == group[-1], not beamed)
    return marks


def _tuplet_groups(events: Sequence[Event]) -> Iterator[list[int]]:
    group: list[int] = []
    for place, event in enumerate(events):
        if event.kind == "grace":
            continue
        if group and _ratio(event) != _ratio(events[group[0]]):
            yield group
            group = []
        if _ratio(event):
            group.append(place)
            if _is_complete([events[member] for member in group]):
                yield group
                group = []
    yield group


def _ratio(event: Event) -> tuple[int, int] | None:
    return event.spelling.tuplet if event.spelling else None


def _is_complete(group: Sequence[Event]) -> bool:
    """Whether the group lasts as long as whole tuplets of its shortest value."""
    spellings = [event.spelling for event in group if event.spelling]
    shortest = min(DURATIONS[spelling.base] for spelling in spellings)
    ratio = spellings[0].tuplet or (1, 1)
    total = sum((spelling.quarters for spelling in spellings), Fraction(0))
    return total % (ratio[1] * shortest) == 0


def right_barlines(part: Part) -> list[str | None]:
    """The kind of barline at the end of each measure.

    A second barline with nothing between is one with the first: the stronger of the two is drawn.
    """
    kinds = [measure.barline for measure in part.measures]
    following = [measure.changes for measure in part.measures[1:]] + [part.trailing]
    for index, changes in enumerate(following[: len(kinds)]):
        for change in changes:
            if isinstance(change.symbol, Barline) and kinds[index] in (None, "single"):
                kinds[index] = change.symbol.kind
    return kinds


def left_repeats(part: Part) -> list[bool]:
    """Whether each measure begins with the sign that starts a repeat."""
    before = [None, *(measure.barline for measure in part.measures)]
    return [
        any(
            kind in ("repeat-start", "repeat-both")
            for kind in [before[index], *_opening_barlines(measure)]
        )
        for index, measure in enumerate(part.measures)
    ]


def _opening_barlines(measure: Measure) -> list[str]:
    return [c.symbol.kind for c in measure.changes if isinstance(c.symbol, Barline)]
