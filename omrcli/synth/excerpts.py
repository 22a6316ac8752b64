"""Long parts -> excerpts of a staff's length, each opened by the clef and key in force."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

CLEF, KEY, TIME = "clef-", "keySignature-", "timeSignature-"
_BARLINES = ("barline", "repeat")
_EVENTS = ("note", "gracenote", "rest", "multirest")
_EMPTY_MEASURE = ["rest-whole", "barline"]
_NO_KEY = "keySignature-CM"


@dataclass(frozen=True)
class ExcerptOptions:
    """How long excerpts are, and how often one from mid-piece shows the time signature."""

    min_measures: int = 2
    max_measures: int = 7
    min_tokens: int = 8
    max_tokens: int = 45
    time_rate: float = 0.5
    collapse_rate: float = (
        0.6  # how often 2 or 3 empty measures become a multirest; 4 and more always
    )


@dataclass(frozen=True)
class _Signs:
    clef: str
    key: str = _NO_KEY
    time: str = ""

    def changed_by(self, text: str) -> _Signs:
        if text.startswith(CLEF):
            return replace(self, clef=text)
        if text.startswith(KEY):
            return replace(self, key=text)
        return replace(self, time=text) if text.startswith(TIME) else self

    def opening(self, with_time: bool) -> list[str]:
        texts = [self.clef, self.key if self.key != _NO_KEY else "", self.time if with_time else ""]
        return [text for text in texts if text]


def excerpts(
    sequence: Sequence[str], rng: random.Random, options: ExcerptOptions | None = None
) -> Iterator[list[str]]:
    """Cut one part (opened by its clef) into consecutive excerpts; equal `rng` states cut alike.

    A tie that would lead out of the excerpt is dropped, and excerpts without a note are left out.
    A measure longer than `max_tokens` is left out too: no engraver would fit it on a staff.
    """
    options = options or ExcerptOptions()
    if not sequence or not sequence[0].startswith(CLEF):
        return
    measures = list(_collapse_rests(split_measures(sequence), rng, options.collapse_rate))
    signs = _Signs(sequence[0])
    start = 0
    while start < len(measures):
        length = _measures_that_fit(measures[start:], rng, options)
        chosen = measures[start : start + length]
        excerpt = _excerpt(signs, chosen, with_time=start == 0 or rng.random() < options.time_rate)
        start += length
        for text in (text for measure in chosen for text in measure):
            signs = signs.changed_by(text)
        if _is_worth_reading(excerpt, options):
            yield excerpt


def split_measures(sequence: Iterable[str]) -> list[list[str]]:
    """Measures ended by their barlines; `repeat-start` opens a measure, other repeats close one."""
    measures: list[list[str]] = [[]]
    for text in sequence:
        if text == "repeat-start" and _has_event(measures[-1]):
            measures[-1].append("barline")
            measures.append([text])
        elif text == "repeat-both":
            measures[-1].append("repeat-end")
            measures.append(["repeat-start"])
        else:
            measures[-1].append(text)
            if text.startswith(_BARLINES) and text != "repeat-start":
                measures.append([])
    return [measure for measure in measures if measure]


def join_measures(measures: Iterable[Iterable[str]]) -> list[str]:
    """Undo `split_measures`: a barline that meets `repeat-start` is drawn as one sign."""
    joined: list[str] = []
    for text in (text for measure in measures for text in measure):
        if text == "repeat-start" and joined[-1:] == ["repeat-end"]:
            joined[-1] = "repeat-both"
        elif text == "repeat-start" and joined[-1:] == ["barline"]:
            joined[-1] = text
        else:
            joined.append(text)
    return joined


def _has_event(measure: Sequence[str]) -> bool:
    return any(text.startswith(_EVENTS) for text in measure)


def _collapse_rests(
    measures: list[list[str]], rng: random.Random, rate: float
) -> Iterator[list[str]]:
    """Runs of empty measures become one multirest, as in an instrumental part."""
    at = 0
    while at < len(measures):
        run = 0
        while at + run < len(measures) and measures[at + run] == _EMPTY_MEASURE:
            run += 1
        if run > 3 or (run > 1 and rng.random() < rate):
            yield [f"multirest-{run}", "barline"]
        else:
            yield from measures[at : at + max(run, 1)]
        at += max(run, 1)


def _measures_that_fit(
    measures: list[list[str]], rng: random.Random, options: ExcerptOptions
) -> int:
    """How many measures the next excerpt takes, at least 1."""
    limit = rng.randint(options.min_measures, options.max_measures)
    # Printed staves are rather full: long budgets are more likely than short ones.
    budget = rng.triangular(options.min_tokens, options.max_tokens, options.max_tokens * 0.75)
    taken, tokens = 0, 0
    for measure in measures[:limit]:
        tokens += len(measure)
        full = tokens > (budget if taken >= options.min_measures else options.max_tokens)
        if taken and full:
            break
        taken += 1
    return taken


def _excerpt(signs: _Signs, measures: list[list[str]], with_time: bool) -> list[str]:
    """The measures behind the signs in force; signs that lead the first one are merged in."""
    body = join_measures(measures)
    at = 0
    while at < len(body) and body[at].startswith((CLEF, KEY, TIME)):
        signs = signs.changed_by(body[at])
        with_time = with_time or body[at].startswith(TIME)
        at += 1
    return signs.opening(with_time) + _without_loose_end(body[at:])


def _without_loose_end(body: list[str]) -> list[str]:
    """Drop a tie to a note outside, and signs announced for what follows."""
    end = len(body)
    while end and not body[end - 1].startswith((*_EVENTS, *_BARLINES)):
        end -= 1
    if end > 1 and body[end - 1].startswith(_BARLINES) and body[end - 2] == "tie":
        return [*body[: end - 2], body[end - 1]]
    return body[:end]


def _is_worth_reading(excerpt: list[str], options: ExcerptOptions) -> bool:
    notes = sum(text.startswith("note-") for text in excerpt)
    return notes > 0 and options.min_tokens <= len(excerpt) <= options.max_tokens + 8
