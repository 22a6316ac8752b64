"""Measures of events in time, made from segments of one part.

What was read is kept as it was read: a measure too short or too long is flagged, never mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from omrcli.tokens import (
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    TimeSignature,
)

from .assembly import Filler, Item, Segment, Shorthand, Sign, Signs

EventKind = Literal["note", "rest", "multirest", "grace"]
Status = Literal["full", "short", "over", "pickup", "unmetered", "multirest", "filler"]
#: What the source has before a measure: the start of a system, or of a page.
Break = Literal["system", "page"]

WHOLE_REST = Duration("whole")


@dataclass(frozen=True)
class Event:
    """A note, chord, rest, grace note or multirest.

    `onset` and `duration` are in quarter notes, the onset from the start of the measure; a grace
    note lasts 0. `staff` and `token` say where it was read, 0-based: the staff in reading order and
    the token on that staff; a `filler` was read nowhere. With `shorthand` a sign was read there
    that stands for the event.
    """

    symbol: Note | Rest | Multirest
    onset: Fraction
    duration: Fraction
    tie_start: bool = False
    tie_stop: bool = False
    confidence: float = 1.0
    staff: int = 0
    token: int = 0
    filler: Filler | None = None
    shorthand: Shorthand | None = None

    @property
    def kind(self) -> EventKind:
        """What the event is; a chord is a note."""
        if isinstance(self.symbol, Note):
            return "grace" if self.symbol.grace else "note"
        return "rest" if isinstance(self.symbol, Rest) else "multirest"

    @property
    def pitches(self) -> tuple[Pitch, ...]:
        """Written pitches, low to high; empty for rests."""
        return self.symbol.pitches if isinstance(self.symbol, Note) else ()

    @property
    def spelling(self) -> Duration | None:
        """The duration as it is drawn; None for a multirest and for a filler of any length."""
        if isinstance(self.symbol, Multirest) or self.filler:
            return None
        return self.symbol.duration

    @property
    def fermata(self) -> bool:
        """Whether a fermata stands over the event."""
        return not isinstance(self.symbol, Multirest) and self.symbol.fermata


@dataclass(frozen=True)
class Change:
    """A sign, or a barline that opens a measure, read before event number `before` of a measure.

    One with a `filler` was read in another part only.
    """

    symbol: Sign | Barline
    before: int
    onset: Fraction
    confidence: float = 1.0
    staff: int = 0
    token: int = 0
    filler: Filler | None = None


@dataclass(frozen=True)
class Measure:
    """A measure; `clef`, `key` and `time` are in force at its first event.

    `number` counts from 1, or 0 for a pickup; a multirest counts as the measures it spans.
    `expected` and `actual` are lengths in quarter notes; expected is None without a time signature.
    `barline` is the kind at its end, None if none was read. `system` is the one in which the
    measure begins, counted from 0 through all pages, and `break_before` what begins with it.
    """

    number: int
    events: tuple[Event, ...]
    changes: tuple[Change, ...]
    clef: Clef | None
    key: KeySignature | None
    time: TimeSignature | None
    expected: Fraction | None
    actual: Fraction
    status: Status
    barline: str | None
    staff: int = 0
    span: int = 1
    system: int = 0
    break_before: Break | None = None

    @property
    def is_filler(self) -> bool:
        """Whether nothing of the measure was read: it keeps the part in step with the others."""
        return all(event.filler for event in self.events)

    @property
    def shorthand(self) -> Shorthand | None:
        """The kind of sign that the whole measure was read from, if it was."""
        kinds = {event.shorthand for event in self.events}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def padding(self) -> Fraction:
        """How much of `actual` is rests that nobody read."""
        return sum((event.duration for event in self.events if event.filler), Fraction(0))

    @property
    def is_measure_rest(self) -> bool:
        """Whether a whole rest stands alone: it then lasts the measure, whatever the meter."""
        return len(self.events) == 1 and _is_whole_rest(self.events[0].symbol)


@dataclass(frozen=True)
class Part:
    """The measures of one part, and signs that follow the last barline."""

    measures: tuple[Measure, ...]
    trailing: tuple[Change, ...] = ()


def _is_whole_rest(symbol: object) -> bool:
    return isinstance(symbol, Rest) and symbol.duration == WHOLE_REST


def make_part(segments: Sequence[Segment]) -> Part:
    """The part of a line of segments; its measures are not numbered yet."""
    signs = Signs()
    measures = [_measure(segment, signs) for segment in segments if segment.has_events]
    last = segments[-1] if segments else Segment(())
    trailing = () if last.has_events else _lay_out(last.items, None)[1]
    return Part(tuple(_with_tie_stops(measures)), trailing)


def _measure(segment: Segment, signs: Signs) -> Measure:
    """Build a measure, not yet numbered, and put its signs in force in `signs`."""
    items = segment.items
    first = next(place for place, item in enumerate(items) if item.is_event)
    for item in items[:first]:
        signs.take(item.symbol)
    expected = signs.time.quarters if signs.time else None
    events, changes = _lay_out(items, expected)
    actual = events[-1].onset + events[-1].duration
    measure = Measure(
        number=0,
        events=events,
        changes=changes,
        clef=signs.clef,
        key=signs.key,
        time=signs.time,
        expected=expected,
        actual=actual,
        status=_status(events, expected, actual),
        barline=segment.barline.kind if segment.barline else None,
        staff=items[first].staff,
        span=_span(events),
        system=segment.system,
    )
    for item in items[first:]:
        signs.take(item.symbol)
    return measure


def _lay_out(
    items: Sequence[Item], expected: Fraction | None
) -> tuple[tuple[Event, ...], tuple[Change, ...]]:
    """Give every item of a segment its onset."""
    alone = sum(item.is_event for item in items) == 1
    onset = Fraction(0)
    events: list[Event] = []
    changes: list[Change] = []
    for item in items:
        symbol, origin = item.symbol, (item.confidence, item.staff, item.token, item.filler)
        if isinstance(symbol, (Note, Rest, Multirest)):
            duration = item.quarters
            if isinstance(symbol, Multirest):
                duration = symbol.count * (expected or Fraction(4))
            elif alone and expected is not None and _is_whole_rest(symbol):
                duration = expected
            events.append(Event(symbol, onset, duration, item.tied, False, *origin, item.shorthand))
            onset += duration
        elif isinstance(symbol, (Clef, KeySignature, TimeSignature, Barline)):
            changes.append(Change(symbol, len(events), onset, *origin))
    return tuple(events), tuple(changes)


def _status(events: Sequence[Event], expected: Fraction | None, actual: Fraction) -> Status:
    if all(event.kind == "multirest" for event in events):
        return "multirest"
    if all(event.filler for event in events):
        return "filler"
    if expected is None:
        return "unmetered"
    if actual == expected:
        return "full"
    return "short" if actual < expected else "over"


def _span(events: Sequence[Event]) -> int:
    """How many measures the events stand for; anything beside a multirest is one more."""
    counts = [event.symbol.count for event in events if isinstance(event.symbol, Multirest)]
    return sum(counts) + (len(counts) < len(events))


def _with_tie_stops(measures: Sequence[Measure]) -> Iterator[Measure]:
    """Mark the events on which a tie ends; grace notes may stand between the two."""
    pending: tuple[Pitch, ...] = ()
    pending_is_grace = False
    for measure in measures:
        events: list[Event] = []
        for event in measure.events:
            is_grace = event.kind == "grace"
            if is_grace and pending and not pending_is_grace and not event.tie_start:
                events.append(event)
                continue
            stops = bool(set(pending) & set(event.pitches))
            events.append(replace(event, tie_stop=stops) if stops else event)
            pending, pending_is_grace = event.pitches if event.tie_start else (), is_grace
        yield replace(measure, events=tuple(events))
