"""The score: measures of events in time, made from tokens and turned back into them.

What was read is kept as it was read: a measure too short or too long is flagged, never mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from omrcli.errors import UsageError
from omrcli.tokens import Barline, Tie, Token

from .alignment import align_parts, level_measures, number_measures
from .assembly import StaffLine, make_lines
from .joining import join_systems
from .measures import Break, Change, Measure, Part, make_part
from .parts import System, arrange_parts
from .shorthand import sign_of

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
    texts: list[str] = []
    early: list[Change] = []
    for measure in chosen.measures:
        signs = [change for change in measure.changes if not change.filler]
        if measure.is_filler:  # the clef and key of a part that comes later, read at its entry
            early += signs
            continue
        head = [change for change in signs if change.before == 0]
        head = sorted((*early, *head), key=lambda change: change.token) if early else head
        texts += map(str, (change.symbol for change in head))
        texts += _measure_texts(measure, signs)
        early = []
    return texts + [str(change.symbol) for change in chosen.trailing]


def _measure_texts(measure: Measure, signs: Sequence[Change]) -> Iterator[str]:
    """The texts of a measure without the signs before its first event."""
    for index, event in enumerate(measure.events):
        yield from (str(change.symbol) for change in signs if change.before == index > 0)
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
