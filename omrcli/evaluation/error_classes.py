"""Edit -> class of error: what a reader would say went wrong, one class for each edit.

A mistake may follow from an earlier one: the notes after a misread clef or key signature, and those
that share a misread accidental's measure. Such are told apart, for mending the cause mends them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from omrcli.errors import TokenError
from omrcli.metrics import AlignedPair, align, kind_of
from omrcli.tokens import (
    STEPS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Note,
    Pitch,
    Rest,
    Symbol,
    parse_symbol,
)

#: What `Mistake.kind` may be.
CLASSES = (
    "clef",
    "key",
    "meter",
    "pitch",
    "accidental",
    "duration",
    "dot",
    "tuplet",
    "pitch and duration",
    "note",
    "chord",
    "grace",
    "rest",
    "multirest",
    "fermata",
    "tie",
    "barline",
    "note for rest",
    "follows clef",
    "follows key",
    "follows accidental",
    "other",
)
_BY_KIND = {
    "clef": "clef",
    "key signature": "key",
    "time signature": "meter",
    "note": "note",
    "chord": "chord",
    "grace note": "grace",
    "rest": "rest",
    "multirest": "multirest",
    "barline": "barline",
    "tie": "tie",
}


@dataclass(frozen=True)
class Mistake:
    """One edit: its class, the true token and the one read (None: missed, invented).

    `pair` is its place in the alignment of truth and reading.
    """

    kind: str
    reference: str | None
    prediction: str | None
    pair: int


def find_mistakes(truth: Sequence[str], prediction: Sequence[str]) -> list[Mistake]:
    """The edits between a truth and what was read, in order, each with its class."""
    state = _State()
    found = []
    for place, pair in enumerate(align(truth, prediction)):
        wanted, got = _parse(pair.reference), _parse(pair.prediction)
        if pair.reference != pair.prediction:
            kind = state.explain(wanted, got) or classify_pair(pair)
            found.append(Mistake(kind, pair.reference, pair.prediction, place))
        state.follow(wanted, got)
    return found


def count_classes(mistakes: Iterable[Mistake]) -> Mapping[str, int]:
    """Number of mistakes of each class, the most frequent first."""
    counts = Counter(mistake.kind for mistake in mistakes)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def classify_pair(pair: AlignedPair) -> str:
    """The class of an edit seen alone."""
    wanted, got = _parse(pair.reference), _parse(pair.prediction)
    if isinstance(wanted, Note) and isinstance(got, Note):
        return _classify_notes(wanted, got)
    if isinstance(wanted, Rest) and isinstance(got, Rest):
        return _classify_durations(wanted.duration, got.duration) or "fermata"
    if {type(wanted), type(got)} == {Note, Rest}:
        return "note for rest"
    text = pair.reference if pair.reference is not None else pair.prediction
    return _BY_KIND.get(kind_of(text or ""), "other")


def _classify_notes(wanted: Note, got: Note) -> str:
    if len(wanted.pitches) != len(got.pitches):
        return "chord"
    pitch = _classify_pitches(wanted.pitches, got.pitches)
    duration = _classify_durations(wanted.duration, got.duration)
    if wanted.grace != got.grace or (wanted.grace and duration):
        return "grace"
    if pitch and duration:
        return "pitch and duration"
    return pitch or duration or "fermata"


def _classify_pitches(wanted: Sequence[Pitch], got: Sequence[Pitch]) -> str:
    if wanted == got:
        return ""
    same = [pitch.diatonic for pitch in wanted] == [pitch.diatonic for pitch in got]
    return "accidental" if same else "pitch"


def _classify_durations(wanted: Duration, got: Duration) -> str:
    """Which part of the durations differs; several parts are a duration."""
    parts = [
        name
        for name, differs in (
            ("duration", wanted.base != got.base),
            ("dot", wanted.dots != got.dots),
            ("tuplet", wanted.tuplet != got.tuplet),
        )
        if differs
    ]
    return parts[0] if len(parts) == 1 else "duration" if parts else ""


def _parse(text: str | None) -> Symbol | None:
    if text is None:
        return None
    try:
        return parse_symbol(text)
    except TokenError:
        return None


@dataclass
class _State:
    """Clef, key and accidentals of a measure as they are and as they were read."""

    # Where no clef was read, models take a treble clef for granted.
    clef: tuple[Clef, Clef] = (Clef("G", 2), Clef("G", 2))
    key: tuple[KeySignature, KeySignature] = (KeySignature(0), KeySignature(0))
    wrong: set[int] = field(default_factory=set)  # positions with a misread accidental

    def follow(self, wanted: Symbol | None, got: Symbol | None) -> None:
        """Go past a pair of symbols."""
        old, new = self.clef
        self.clef = (
            wanted if isinstance(wanted, Clef) else old,
            got if isinstance(got, Clef) else new,
        )
        key, read = self.key
        self.key = (
            wanted if isinstance(wanted, KeySignature) else key,
            got if isinstance(got, KeySignature) else read,
        )
        if isinstance(wanted, Barline) or isinstance(got, Barline):
            self.wrong.clear()
        elif isinstance(wanted, Note) and isinstance(got, Note):
            self._remember(wanted, got)

    def _remember(self, wanted: Note, got: Note) -> None:
        if len(wanted.pitches) != len(got.pitches):
            return
        for pitch, read in zip(wanted.pitches, got.pitches, strict=True):
            if pitch.diatonic == read.diatonic and pitch.alter != read.alter:
                self.wrong.add(pitch.diatonic)

    def explain(self, wanted: Symbol | None, got: Symbol | None) -> str:
        """The class of a mistake that follows from an earlier one, else ""."""
        if not (isinstance(wanted, Note) and isinstance(got, Note)):
            return ""
        if _classify_notes(wanted, got) not in ("pitch", "accidental"):
            return ""
        if self._moved_by_clef(wanted, got):
            return "follows clef"
        if [p.diatonic for p in wanted.pitches] != [p.diatonic for p in got.pitches]:
            return ""
        differing = {
            pitch
            for pitch, read in zip(wanted.pitches, got.pitches, strict=True)
            if pitch.alter != read.alter
        }
        if all(pitch.diatonic in self.wrong for pitch in differing):
            return "follows accidental"
        true_key, read_key = self.key
        names = {STEPS[pitch.diatonic % 7] for pitch in differing}
        if all(true_key.alter_of(name) != read_key.alter_of(name) for name in names):
            return "follows key"
        return ""

    def _moved_by_clef(self, wanted: Note, got: Note) -> bool:
        """Whether both stand on the same place of the staff, under different clefs."""
        true_clef, read_clef = self.clef
        if true_clef == read_clef:
            return False
        places = [pitch.diatonic - true_clef.bottom_line for pitch in wanted.pitches]
        return places == [pitch.diatonic - read_clef.bottom_line for pitch in got.pitches]
