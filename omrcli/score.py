"""The score: measures of events in time, made from tokens and turned back into them.

What was read is kept as it was read: a measure too short or too long is flagged, never mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from omrcli.assembly import Item, Segment, Sign, Signs, StaffLine, join_staves, make_lines
from omrcli.errors import UsageError
from omrcli.tokens import (
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Tie,
    TimeSignature,
    Token,
)

EventKind = Literal["note", "rest", "multirest", "grace"]
Status = Literal["full", "short", "over", "pickup", "unmetered", "multirest"]

MIN_TEMPO, MAX_TEMPO = 4, 1000
WHOLE_REST = Duration("whole")


@dataclass(frozen=True)
class Event:
    """A note, chord, rest, grace note or multirest.

    `onset` and `duration` are in quarter notes, the onset from the start of the measure; a grace
    note lasts 0. `staff` and `token` say where it was read, 0-based: the staff in reading order and
    the token on that staff.
    """

    symbol: Note | Rest | Multirest
    onset: Fraction
    duration: Fraction
    tie_start: bool = False
    tie_stop: bool = False
    confidence: float = 1.0
    staff: int = 0
    token: int = 0

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
        """The duration as it is drawn; None for a multirest."""
        return None if isinstance(self.symbol, Multirest) else self.symbol.duration

    @property
    def fermata(self) -> bool:
        """Whether a fermata stands over the event."""
        return not isinstance(self.symbol, Multirest) and self.symbol.fermata


@dataclass(frozen=True)
class Change:
    """A sign, or a barline that opens a measure, read before event number `before` of a measure."""

    symbol: Sign | Barline
    before: int
    onset: Fraction
    confidence: float = 1.0
    staff: int = 0
    token: int = 0


@dataclass(frozen=True)
class Measure:
    """A measure; `clef`, `key` and `time` are in force at its first event.

    `number` counts from 1, or 0 for a pickup; a multirest counts as the measures it spans.
    `expected` and `actual` are lengths in quarter notes; expected is None without a time signature.
    `barline` is the kind at its end, None if none was read.
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

    @property
    def is_measure_rest(self) -> bool:
        """Whether a whole rest stands alone: it then lasts the measure, whatever the meter."""
        return len(self.events) == 1 and _is_whole_rest(self.events[0].symbol)


@dataclass(frozen=True)
class Part:
    """The measures of one part, and signs that follow the last barline."""

    measures: tuple[Measure, ...]
    trailing: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Score:
    """One or more parts, a title and a composer; `notices` tell the user how staves were joined."""

    parts: tuple[Part, ...]
    title: str | None = None
    composer: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportOptions:
    """What a written file says beyond the notes.

    `tempo` is in quarter notes a minute; `layout` keeps the line and page breaks of the source.

    Raises:
        UsageError: the tempo is outside what MIDI can hold and players play.
    """

    title: str | None = None
    tempo: float | None = None
    composer: str | None = None
    layout: bool = True

    def __post_init__(self) -> None:
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise UsageError(
                f"The tempo must be {MIN_TEMPO} to {MAX_TEMPO} quarter notes a minute, "
                f"not {self.tempo:g}."
            )


@dataclass(frozen=True)
class MeasureWarning:
    """A measure whose events do not fill its meter.

    `part` and `staff` are 0-based, `expected` and `actual` in quarter notes.
    """

    part: int
    number: int
    staff: int
    expected: Fraction
    actual: Fraction

    def __str__(self) -> str:
        relation = "over" if self.actual > self.expected else "short of"
        return (
            f"Measure {self.number} (staff {self.staff + 1}) is {relation} its meter: "
            f"{self.actual} of {self.expected} quarter notes."
        )


def build_score(
    lines: Sequence[StaffLine] | Sequence[Sequence[Token]],
    title: str | None = None,
    composer: str | None = None,
) -> Score:
    """Join the tokens of staves, in reading order, into a score.

    A plain sequence of token sequences is one part, one staff a system.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    segments = join_staves([line.tokens for line in make_lines(lines)])
    signs = Signs()
    measures = [_measure(segment, signs) for segment in segments if segment.has_events]
    last = segments[-1] if segments else Segment(())
    trailing = () if last.has_events else _lay_out(last.items, None)[1]
    part = Part(tuple(_numbered(_with_tie_stops(measures))), trailing)
    return Score((part,), title, composer)


def score_warnings(score: Score) -> list[str]:
    """What a user should know of a score: how it was joined, and measures that do not add up."""
    return [*score.notices, *map(str, measure_warnings(score))]


def score_tokens(score: Score) -> list[str]:
    """The token texts of the first part; from a score of one staff, those it was built from."""
    if not score.parts:
        return []
    part = score.parts[0]
    texts = [text for measure in part.measures for text in _measure_texts(measure)]
    return texts + [str(change.symbol) for change in part.trailing]


def _measure_texts(measure: Measure) -> Iterator[str]:
    for index, event in enumerate(measure.events):
        yield from (str(c.symbol) for c in measure.changes if c.before == index)
        yield str(event.symbol)
        if event.tie_start:
            yield str(Tie())
    yield from (str(c.symbol) for c in measure.changes if c.before == len(measure.events))
    if measure.barline:
        yield str(Barline(measure.barline))


def measure_warnings(score: Score) -> list[MeasureWarning]:
    """The measures that are short or over.

    A pickup is none of them, nor is a measure that it completes: the last one, or one that ends at
    a double barline or repeat. Two parts of a measure around such a barline complete each other.
    The end of an incipit, a short last measure without a barline, is not flagged either.
    """
    warnings = []
    for number, part in enumerate(score.parts):
        for index, measure in enumerate(part.measures):
            if measure.expected is None or measure.status not in ("short", "over"):
                continue
            if measure.status == "over" or not _is_legitimately_short(part.measures, index):
                lengths = (measure.expected, measure.actual)
                warnings.append(MeasureWarning(number, measure.number, measure.staff, *lengths))
    return warnings


def _is_legitimately_short(measures: Sequence[Measure], index: int) -> bool:
    measure = measures[index]
    is_last = index == len(measures) - 1
    if is_last and measure.barline is None:
        return True
    missing = (measure.expected or 0) - measure.actual
    ends_section = is_last or _divides(measure)
    if ends_section and measures[0].status == "pickup" and missing == measures[0].actual:
        return True
    if not is_last and _divides(measure) and missing == measures[index + 1].actual:
        return True
    return index > 0 and _divides(measures[index - 1]) and missing == measures[index - 1].actual


def _divides(measure: Measure) -> bool:
    """Whether the barline at the end may fall inside a measure of the meter."""
    return measure.barline not in (None, "single")


def _is_whole_rest(symbol: object) -> bool:
    return isinstance(symbol, Rest) and symbol.duration == WHOLE_REST


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
        symbol, origin = item.symbol, (item.confidence, item.staff, item.token)
        if isinstance(symbol, (Note, Rest, Multirest)):
            duration = item.quarters
            if isinstance(symbol, Multirest):
                duration = symbol.count * (expected or Fraction(4))
            elif alone and expected is not None and _is_whole_rest(symbol):
                duration = expected
            events.append(Event(symbol, onset, duration, item.tied, False, *origin))
            onset += duration
        elif not isinstance(symbol, Tie):
            changes.append(Change(symbol, len(events), onset, *origin))
    return tuple(events), tuple(changes)


def _status(events: Sequence[Event], expected: Fraction | None, actual: Fraction) -> Status:
    if all(event.kind == "multirest" for event in events):
        return "multirest"
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


def _numbered(measures: Iterator[Measure]) -> Iterator[Measure]:
    """Number the measures; a first one that is short, and not all there is, is a pickup."""
    number = 1
    every = list(measures)
    for index, measure in enumerate(every):
        if index == 0 and measure.status == "short" and len(every) > 1:
            yield replace(measure, number=0, status="pickup")
        else:
            yield replace(measure, number=number)
            number += measure.span
