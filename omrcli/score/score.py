"""The score: measures of events in time, made from tokens and turned back into them.

What was read is kept as it was read: a measure too short or too long is flagged, never mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from omrcli.errors import UsageError
from omrcli.tokens import Barline, Tie, Token

from .alignment import align_parts, level_measures, number_measures
from .assembly import StaffLine, make_lines
from .joining import join_systems
from .measures import Break, Measure, Part, make_part
from .parts import System, arrange_parts
from .shorthand import shorthand_notices, sign_of

MIN_TEMPO, MAX_TEMPO = 4, 1000


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
    `doubtful` is the confidence, 0..1, below which notes and rests are coloured in MusicXML, where
    measures that do not fill their meter then bear a mark.

    Raises:
        UsageError: the tempo is outside what MIDI can hold and players play, or `doubtful` is no
            confidence.
    """

    title: str | None = None
    tempo: float | None = None
    composer: str | None = None
    layout: bool = True
    doubtful: float | None = None

    def __post_init__(self) -> None:
        if self.tempo is not None and not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise UsageError(
                f"The tempo must be {MIN_TEMPO} to {MAX_TEMPO} quarter notes a minute, "
                f"not {self.tempo:g}."
            )
        if self.doubtful is not None and not 0 <= self.doubtful <= 1:
            raise UsageError(f"What counts as doubtful must be 0 to 1, not {self.doubtful:g}.")


def build_score(
    lines: Sequence[StaffLine | Sequence[Token]],
    title: str | None = None,
    composer: str | None = None,
) -> Score:
    """Join the tokens of staves, in reading order, into a score.

    A plain sequence of token sequences is one part, one staff a system.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    placed = make_lines(lines)
    arrangement = arrange_parts(placed)
    joined = join_systems(placed, arrangement.systems)
    aligned, notices = align_parts(joined, arrangement.systems, placed)
    parts = level_measures([make_part(segments) for segments in aligned])
    breaks = _find_breaks(parts[0].measures, arrangement.systems)
    parts = [_with_breaks(part, breaks) for part in number_measures(parts)]
    return Score(tuple(parts), title, composer, (*arrangement.notices, *notices))


def _find_breaks(measures: Sequence[Measure], systems: Sequence[System]) -> list[Break | None]:
    """What begins with each measure; the first system and page of all need no sign."""
    breaks: list[Break | None] = []
    before = measures[0].system if measures else 0
    for measure in measures:
        same_page = systems[before].page == systems[measure.system].page
        is_new = measure.system != before
        breaks.append(None if not is_new else "system" if same_page else "page")
        before = measure.system
    return breaks


def _with_breaks(part: Part, breaks: Sequence[Break | None]) -> Part:
    pairs = zip(part.measures, breaks, strict=True)
    return replace(part, measures=tuple(replace(m, break_before=found) for m, found in pairs))


def score_tokens(score: Score, part: int = 0) -> list[str]:
    """The token texts of a part; from a score of one staff, those it was built from.

    What keeps a part in step with the others, and was not read, is no part of them.
    """
    if not score.parts:
        return []
    chosen = score.parts[part]
    texts = [text for measure in chosen.measures for text in _measure_texts(measure)]
    return texts + [str(change.symbol) for change in chosen.trailing]


def _measure_texts(measure: Measure) -> Iterator[str]:
    if measure.is_filler:
        return
    signs = [change for change in measure.changes if not change.filler]
    for index, event in enumerate(measure.events):
        yield from (str(change.symbol) for change in signs if change.before == index)
        if event.shorthand:
            before = measure.events[index - 1] if index else None
            if not before or (before.staff, before.token) != (event.staff, event.token):
                yield str(sign_of(event.shorthand))
            continue
        if not event.filler:
            yield str(event.symbol)
        if event.tie_start:
            yield str(Tie())
    yield from (str(c.symbol) for c in signs if c.before == len(measure.events))
    if measure.barline:
        yield str(Barline(measure.barline))


@dataclass(frozen=True)
class MeasureWarning:
    """A measure whose events do not fill its meter, or are `padded` to its length in other parts.

    `part` and `staff` are 0-based, `part` None where there is but one; `expected` and `actual`, as
    read, are in quarter notes.
    """

    part: int | None
    number: int
    staff: int
    expected: Fraction
    actual: Fraction
    padded: bool = False

    def __str__(self) -> str:
        relation = "over" if self.actual > self.expected else "short of"
        place = f"staff {self.staff + 1}"
        if self.part is not None:
            place = f"part {self.part + 1}, {place}"
        what = "its length in other parts, and padded" if self.padded else "its meter"
        return (
            f"Measure {self.number} ({place}) is {relation} {what}: "
            f"{self.actual} of {self.expected} quarter notes."
        )


def score_warnings(score: Score) -> list[str]:
    """All that a user should know: how the score was joined, then its measures."""
    shorthand = shorthand_notices(score.parts)
    return [*score.notices, *shorthand, *map(str, measure_warnings(score))]


def measure_warnings(score: Score) -> list[MeasureWarning]:
    """The measures that are short or over.

    A pickup is none of them, nor is a measure that it completes: the last one, or one that ends at
    a double barline or repeat. Two parts of a measure around such a barline complete each other.
    The end of an incipit, a short last measure without a barline, is not flagged either. A short
    measure that was padded to its length in other parts is always flagged.
    """
    warnings = []
    for number, part in enumerate(score.parts):
        for index, measure in enumerate(part.measures):
            place = (number if len(score.parts) > 1 else None, measure.number, measure.staff)
            if measure.is_filler or (measure.padding and measure.status == "full"):
                continue  # the part that was read as over its meter is flagged
            if measure.padding:
                lengths = (measure.actual, measure.actual - measure.padding)
                warnings.append(MeasureWarning(*place, *lengths, padded=True))
            elif measure.expected is not None and (
                measure.status == "over"
                or (measure.status == "short" and not _is_legitimately_short(part.measures, index))
            ):
                warnings.append(MeasureWarning(*place, measure.expected, measure.actual))
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
