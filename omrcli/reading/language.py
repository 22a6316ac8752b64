"""How music goes on: a small n-gram over positional units, movements of notes, and accidentals.

Three tables, counted once from a corpus and kept as one small file:

- *classes*: a 4-gram over units without their staff positions (`note.eighth`, `dot`, `barline`),
  interpolated after Witten and Bell 1991;
- *moves*: steps from one note to the next, given the step before;
- *keys*: where a pitch lies on the line of fifths, seen from the key, and whether it bears an
  accidental.

They give probabilities to readings that the network itself proposes and say nothing of its own.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from omrcli.errors import InputError
from omrcli.tokens import KeySignature, Note, Pitch, parse_symbol

ORDER = 4
START = "<"
#: Steps further than this count as this far.
WIDEST_MOVE = 9
#: Contexts of two classes or more, and what follows them, are kept if seen so often.
_LEAST_COUNT = 3
_FLOOR = 1e-5  # probability of a class never seen, of a move, of an accidental
_FORMAT = 1
_ALIKE = ("clef-", "keySignature-")
#: Signs too rare to count, by what stands in their place elsewhere.
_COUNTED_AS = dict.fromkeys(("measure-repeat", "slash"), "rest.whole")
_FIFTHS = {step: place for place, step in enumerate("FCGDAEB", start=-1)}

Context = tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """What was counted: class after context, move after move, accidentals by place in the key."""

    classes: Counter[tuple[Context, str]] = field(default_factory=Counter)
    moves: Counter[tuple[int, int]] = field(default_factory=Counter)
    keys: Counter[tuple[bool, int]] = field(default_factory=Counter)


def unit_class(name: str) -> str:
    """A positional unit without its staff position.

    Clefs are one class, and so are keys: which of them is frequent depends on the corpus.
    """
    if name.startswith(_ALIKE):
        return name.partition("-")[0]
    if name in _COUNTED_AS:
        return _COUNTED_AS[name]
    return name.partition("@")[0]


def clip_move(steps: int) -> int:
    """A movement in staff steps, within +-WIDEST_MOVE."""
    return max(-WIDEST_MOVE, min(WIDEST_MOVE, steps))


def place_in_key(pitch: Pitch, fifths: int) -> int:
    """Place of a pitch on the line of fifths, where 0 is the tonic of the major key: -1 to 5 are
    the notes of the key."""
    return _FIFTHS[pitch.step] + 7 * pitch.alter - fifths


def count_units(names: Sequence[str], counts: Counts) -> None:
    """Count the classes and moves of one staff, given as positional units."""
    history: Context = (START,) * (ORDER - 1)
    for name in names:
        found = unit_class(name)
        for length in range(ORDER):
            counts.classes[history[ORDER - 1 - length :], found] += 1
        history = (*history[1:], found)
    counts.moves.update(_moves(names))


def _moves(names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(move before, move) of each note but the first."""
    before, last, octaves = 0, None, 0
    for name in names:
        _, _, position = name.partition("@")
        if name in ("octave-up", "octave-down"):
            octaves += 7 if name == "octave-up" else -7
        elif position:
            here = int(position) + octaves
            if last is not None:
                move = clip_move(here - last)
                yield before, move
                before = move
            last, octaves = here, 0


def count_accidentals(
    texts: Sequence[str], shown: Sequence[tuple[str | None, ...]], counts: Counts
) -> None:
    """Count the accidentals of one staff.

    `shown` has, for each token text, the accidental drawn at each of its pitches, as
    `alphabet.shown_accidentals` gives them.
    """
    fifths = 0
    for text, drawn in zip(texts, shown, strict=True):
        symbol = parse_symbol(text)
        if isinstance(symbol, KeySignature):
            fifths = symbol.fifths
        elif isinstance(symbol, Note):
            for pitch, accidental in zip(symbol.pitches, drawn, strict=True):
                counts.keys[accidental is not None, place_in_key(pitch, fifths)] += 1


def counts_to_bytes(counts: Counts) -> bytes:
    """The counts as the file that `read_language` reads; equal counts give equal bytes."""
    kept: dict[str, dict[str, int]] = {}
    for (context, found), number in sorted(counts.classes.items()):
        if number >= (_LEAST_COUNT if len(context) > 1 else 1):
            kept.setdefault(" ".join(context), {})[found] = number
    content = {
        "format": _FORMAT,
        "classes": kept,
        "moves": [[*pair, number] for pair, number in sorted(counts.moves.items())],
        "keys": [[int(d), place, number] for (d, place), number in sorted(counts.keys.items())],
    }
    text = json.dumps(content, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


class Language:
    """Log-probabilities (natural) from counts."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._classes: dict[Context, dict[str, int]] = {
            tuple(context.split()): found for context, found in content["classes"].items()
        }
        self._totals = {context: sum(found.values()) for context, found in self._classes.items()}
        self._known: dict[tuple[Context, str], float] = {}
        self._moves = _log_table(((b, m), n) for b, m, n in content["moves"])
        self._keys = _log_table(((0, (bool(d), place)), n) for d, place, n in content["keys"])
        self._floor = math.log(_FLOOR)

    def of_class(self, history: Context, found: str) -> float:
        """log P(class | the ORDER - 1 classes before)."""
        known = self._known.get((history, found))
        if known is None:
            known = self._known[history, found] = math.log(self._interpolate(history, found))
        return known

    def of_move(self, before: int, move: int) -> float:
        """log P(move | the move before), both clipped."""
        return self._moves.get((before, move), self._floor)

    def of_accidental(self, drawn: bool, place: int) -> float:
        """log P(a note lies at this place in the key, and bears an accidental or not)."""
        return self._keys.get((0, (drawn, place)), self._floor)

    def _interpolate(self, context: Context, found: str) -> float:
        shorter = self._interpolate(context[1:], found) if context else _FLOOR
        followers = self._classes.get(context)
        if followers is None:
            return shorter
        kinds = len(followers)
        total = self._totals[context]
        return (followers.get(found, 0) + kinds * shorter) / (total + kinds)


def _log_table(rows: Iterable[tuple[tuple[int, Any], int]]) -> dict[tuple[int, Any], float]:
    """log P(second | first) of counted pairs."""
    counted = dict(rows)
    totals: Counter[int] = Counter()
    for (first, _), number in counted.items():
        totals[first] += number
    return {pair: math.log(number / totals[pair[0]]) for pair, number in counted.items()}


#: The table in the package.
LANGUAGE_FILE = Path(__file__).parent / "language.json.gz"


@lru_cache(maxsize=4)
def read_language(path: Path = LANGUAGE_FILE) -> Language:
    """Read the tables.

    Raises:
        InputError: the file is missing, damaged or of another version.
    """
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
        if content["format"] == _FORMAT:
            return Language(content)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"Cannot read {path} ({error}); install omrcli again.") from error
    raise InputError(f"{path} is of another version; make it with omrcli.synth.count_music.")
