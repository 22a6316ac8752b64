"""The semantic encoding: texts such as `note-Bb4_eighth` and the symbols they stand for.

The encoding is that of PrIMuS (Calvo-Zaragoza and Rizo 2018, section 3) with extensions that never
change the meaning of a PrIMuS sequence: barline kinds, tuplet suffixes, chords, octave clefs, and
signs that stand for music without pitches (percussion clef, measure repeats, rhythm slashes).
The grammar is parsed, not enumerated: `multirest-417` and `timeSignature-2/48` are as good as any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from omrcli.errors import InputError, TokenError

STEPS = "CDEFGAB"
SHARP_ORDER = "FCGDAEB"  # flats come in the reverse order

#: Duration names of the encoding, longest first, in quarter notes.
DURATIONS: dict[str, Fraction] = {
    "quadruple_whole": Fraction(16),
    "double_whole": Fraction(8),
    "whole": Fraction(4),
    "half": Fraction(2),
    "quarter": Fraction(1),
    "eighth": Fraction(1, 2),
    "sixteenth": Fraction(1, 4),
    "thirty_second": Fraction(1, 8),
    "sixty_fourth": Fraction(1, 16),
    "hundred_twenty_eighth": Fraction(1, 32),
}

#: Names of the major keys by number of fifths, from -7 (seven flats) to 7 (seven sharps).
KEY_NAMES: dict[int, str] = dict(
    zip(
        range(-7, 8),
        [
            "CbM",
            "GbM",
            "DbM",
            "AbM",
            "EbM",
            "BbM",
            "FM",
            "CM",
            "GM",
            "DM",
            "AM",
            "EM",
            "BM",
            "F#M",
            "C#M",
        ],
        strict=True,
    )
)
_FIFTHS = {name: fifths for fifths, name in KEY_NAMES.items()}

BARLINE_KINDS = ("single", "double", "final", "repeat-start", "repeat-end", "repeat-both")
_BARLINE_TEXT = {
    "single": "barline",
    "double": "barline-double",
    "final": "barline-final",
    "repeat-start": "repeat-start",
    "repeat-end": "repeat-end",
    "repeat-both": "repeat-both",
}
_BARLINE_KIND = {text: kind for kind, text in _BARLINE_TEXT.items()}

_ALTER_TEXT = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
_ALTERS = {text: alter for alter, text in _ALTER_TEXT.items()}
_OCTAVE_TEXT = {-2: "_15mb", -1: "_8vb", 0: "", 1: "_8va", 2: "_15ma"}
_OCTAVES = {text: shift for shift, text in _OCTAVE_TEXT.items()}


@dataclass(frozen=True)
class Token:
    """One read token: its text, a confidence in 0..1, and the frames [start, end) it was read
    from."""

    text: str
    confidence: float = 1.0
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Pitch:
    """A written pitch: step "C".."B", alter in semitones (-2..2), octave (4 holds middle C)."""

    step: str
    alter: int
    octave: int

    @property
    def diatonic(self) -> int:
        """Number of staff steps above C0; B4 and Bb4 share one."""
        return self.octave * 7 + STEPS.index(self.step)

    @property
    def midi(self) -> int:
        """MIDI key number; C4 is 60."""
        return 12 * (self.octave + 1) + (0, 2, 4, 5, 7, 9, 11)[STEPS.index(self.step)] + self.alter

    def __str__(self) -> str:
        return f"{self.step}{_ALTER_TEXT[self.alter]}{self.octave}"


@dataclass(frozen=True)
class Duration:
    """A spelled duration: base name, number of dots, and an optional tuplet ratio (3, 2): three
    for two."""

    base: str
    dots: int = 0
    tuplet: tuple[int, int] | None = None

    @property
    def quarters(self) -> Fraction:
        """Length in quarter notes."""
        length = DURATIONS[self.base] * (2 - Fraction(1, 2**self.dots))
        return length * Fraction(self.tuplet[1], self.tuplet[0]) if self.tuplet else length

    def __str__(self) -> str:
        ratio = f"_{self.tuplet[0]}:{self.tuplet[1]}" if self.tuplet else ""
        return self.base + "." * self.dots + ratio


@dataclass(frozen=True)
class Clef:
    """A clef: sign, the staff line it names (1 is the lowest), octave shift of an octave clef."""

    sign: str
    line: int
    octave_shift: int = 0

    @property
    def bottom_line(self) -> int:
        """Diatonic number (see `Pitch.diatonic`) of the lowest staff line."""
        named = {"G": 32, "F": 24, "C": 28}[self.sign]
        return named - 2 * (self.line - 1) + 7 * self.octave_shift

    def __str__(self) -> str:
        return f"clef-{self.sign}{self.line}{_OCTAVE_TEXT[self.octave_shift]}"


@dataclass(frozen=True)
class PercussionClef:
    """The clef of a staff whose positions are instruments, not pitches."""

    def __str__(self) -> str:
        return "clef-percussion"


@dataclass(frozen=True)
class KeySignature:
    """A key signature by fifths: -7 (flats) .. 7 (sharps); 0 is a printed cancellation."""

    fifths: int

    def alter_of(self, step: str) -> int:
        """The alteration that the signature gives to a step."""
        if self.fifths >= 0:
            return int(step in SHARP_ORDER[: self.fifths])
        return -int(step in SHARP_ORDER[self.fifths :])

    def __str__(self) -> str:
        return f"keySignature-{KEY_NAMES[self.fifths]}"


@dataclass(frozen=True)
class TimeSignature:
    """A time signature as printed: "3/4", "C" or "C/"."""

    text: str

    @property
    def beats(self) -> int:
        """The upper number; C counts as 4/4 and C/ as 2/2."""
        return {"C": 4, "C/": 2}.get(self.text) or int(self.text.split("/")[0])

    @property
    def unit(self) -> int:
        """The lower number."""
        return {"C": 4, "C/": 2}.get(self.text) or int(self.text.split("/")[1])

    @property
    def quarters(self) -> Fraction:
        """Length of a full measure in quarter notes."""
        return Fraction(4 * self.beats, self.unit)

    def __str__(self) -> str:
        return f"timeSignature-{self.text}"


@dataclass(frozen=True)
class Note:
    """A note, grace note or chord (several pitches, low to high)."""

    pitches: tuple[Pitch, ...]
    duration: Duration
    grace: bool = False
    fermata: bool = False

    def __str__(self) -> str:
        kind = "gracenote" if self.grace else "note"
        end = f"_{self.duration}" + ("_fermata" if self.fermata else "")
        return "|".join(f"{kind}-{pitch}{end}" for pitch in self.pitches)


@dataclass(frozen=True)
class Rest:
    """A rest."""

    duration: Duration
    fermata: bool = False

    def __str__(self) -> str:
        return f"rest-{self.duration}" + ("_fermata" if self.fermata else "")


@dataclass(frozen=True)
class Multirest:
    """A rest of `count` whole measures under one sign."""

    count: int

    def __str__(self) -> str:
        return f"multirest-{self.count}"


@dataclass(frozen=True)
class MeasureRepeat:
    """The sign (a percent sign) that repeats the measure before."""

    def __str__(self) -> str:
        return "measure-repeat"


@dataclass(frozen=True)
class Slash:
    """A rhythm slash: a beat whose notes are left to the player."""

    def __str__(self) -> str:
        return "slash"


@dataclass(frozen=True)
class Barline:
    """A barline; `kind` is one of BARLINE_KINDS."""

    kind: str = "single"

    def __str__(self) -> str:
        return _BARLINE_TEXT[self.kind]


@dataclass(frozen=True)
class Tie:
    """A tie from the note before to the next one."""

    def __str__(self) -> str:
        return "tie"


Symbol = (
    Clef
    | PercussionClef
    | KeySignature
    | TimeSignature
    | Note
    | Rest
    | Multirest
    | MeasureRepeat
    | Slash
    | Barline
    | Tie
)

_PLAIN_SYMBOLS: tuple[Symbol, ...] = (Tie(), MeasureRepeat(), Slash(), PercussionClef())
_PLAIN = {str(symbol): symbol for symbol in _PLAIN_SYMBOLS}
_DURATION = (
    rf"(?P<base>{'|'.join(DURATIONS)})(?P<dots>\.{{0,3}})(?:_(?P<n>[1-9]\d?):(?P<m>[1-9]\d?))?"
)
_NOTE = re.compile(
    rf"(?P<grace>grace)?note-(?P<step>[A-G])(?P<alter>##|bb|#|b|)(?P<octave>\d)_{_DURATION}(?P<fermata>_fermata)?",
    re.ASCII,
)
_REST = re.compile(rf"rest-{_DURATION}(?P<fermata>_fermata)?", re.ASCII)
_CLEF = re.compile(r"clef-(?P<sign>[GFC])(?P<line>[1-5])(?P<shift>_8va|_8vb|_15ma|_15mb|)")
_TIME = re.compile(r"timeSignature-(?P<text>C/?|[1-9]\d{0,2}/[1-9]\d{0,2})", re.ASCII)
_MULTIREST = re.compile(r"multirest-(?P<count>[1-9]\d{0,3})", re.ASCII)

#: Signs of a text that is no token which a message shows.
_SHOWN = 60
#: A file of tokens of more bytes, or of more measures of rest in all, is no music.
MAX_BYTES, MAX_REST = 16 << 20, 100_000


def _duration(match: re.Match[str]) -> Duration:
    tuplet = (int(match["n"]), int(match["m"])) if match["n"] else None
    return Duration(match["base"], len(match["dots"]), tuplet)


def _parse_note(text: str) -> Note | None:
    members = [_NOTE.fullmatch(part) for part in text.split("|")]
    found = [member for member in members if member]
    if len(found) < len(members):
        return None
    pitches = tuple(Pitch(m["step"], _ALTERS[m["alter"]], int(m["octave"])) for m in found)
    first = found[0]
    note = Note(pitches, _duration(first), bool(first["grace"]), bool(first["fermata"]))
    # A chord whose members disagree in length is two voices, which one token cannot say.
    return note if str(note) == text else None


@lru_cache(maxsize=16384)
def parse_symbol(text: str) -> Symbol:
    """Parse one token text; `str()` of the result gives the text back exactly.

    Raises:
        TokenError: the text is no token of the encoding.
    """
    symbol: Symbol | None = None
    if text in _BARLINE_KIND:
        symbol = Barline(_BARLINE_KIND[text])
    elif text in _PLAIN:
        symbol = _PLAIN[text]
    elif text.startswith(("note-", "gracenote-")):
        symbol = _parse_note(text)
    elif match := _REST.fullmatch(text):
        symbol = Rest(_duration(match), bool(match["fermata"]))
    elif match := _CLEF.fullmatch(text):
        symbol = Clef(match["sign"], int(match["line"]), _OCTAVES[match["shift"]])
    elif text.startswith("keySignature-") and text[13:] in _FIFTHS:
        symbol = KeySignature(_FIFTHS[text[13:]])
    elif match := _TIME.fullmatch(text):
        symbol = TimeSignature(match["text"])
    elif match := _MULTIREST.fullmatch(text):
        symbol = Multirest(int(match["count"]))
    if symbol is None:
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise TokenError(f"'{text}' is no token of the semantic encoding; see docs/encoding.md.")
    return symbol


def is_percussion(tokens: Iterable[Token]) -> bool:
    """Whether a staff begins with a percussion clef, so that its notes are no pitches."""
    for token in tokens:
        symbol = parse_symbol(token.text)
        if isinstance(symbol, (Clef, PercussionClef)):
            return isinstance(symbol, PercussionClef)
        if isinstance(symbol, (Note, Rest, Multirest)):
            return False
    return False


def read_semantic(path: Path) -> list[str]:
    """Read the token texts of a `.semantic` (or `.agnostic`) file, separated by tabs or spaces.

    Raises:
        InputError: the file cannot be read as text, or is larger than any piece of music.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        texts = data.decode("utf-8").split()
    except (OSError, ValueError) as error:
        raise InputError(
            f"Cannot read {path}: {error}; check that it is a text file of tokens."
        ) from error
    rests = (match for text in texts if (match := _MULTIREST.fullmatch(text)))
    if len(data) > MAX_BYTES or sum(int(match["count"]) for match in rests) > MAX_REST:
        raise InputError(f"{path} is longer than any piece of music; check the file.")
    return texts


def format_semantic(texts: Iterable[str]) -> str:
    """Token texts as a line of a `.semantic` file: separated by tabs, ended by a newline."""
    return "\t".join(texts) + "\n"


def project_primus(texts: Sequence[str]) -> list[str]:
    """Reduce an extended sequence to plain PrIMuS, the encoding of published figures.

    Every barline kind becomes `barline`, tuplet suffixes and octave shifts of clefs are dropped,
    and a chord is reduced to its highest member. Texts that are not of the encoding stay as they
    are.
    """
    return [_project(text) for text in texts]


def unfold_multirests(texts: Sequence[str]) -> list[str]:
    """Write every multirest as so many measures of rest, the last without its barline.

    Scores as files often do not say which of the two the page shows. Texts that are not of the
    encoding stay as they are.
    """
    unfolded: list[str] = []
    for text in texts:
        count = _count_rests(text)
        unfolded += [text] if count is None else [_MEASURE_REST, "barline"] * count
        if count:
            unfolded.pop()
    return unfolded


def _count_rests(text: str) -> int | None:
    try:
        symbol = parse_symbol(text)
    except TokenError:
        return None
    return symbol.count if isinstance(symbol, Multirest) else None


_MEASURE_REST = "rest-whole"


def _project(text: str) -> str:
    try:
        symbol = parse_symbol(text)
    except TokenError:
        return text
    if isinstance(symbol, Barline):
        return "barline"
    if isinstance(symbol, Clef):
        return str(Clef(symbol.sign, symbol.line))
    if isinstance(symbol, Rest):
        return str(Rest(Duration(symbol.duration.base, symbol.duration.dots), symbol.fermata))
    if isinstance(symbol, Note):
        plain = Duration(symbol.duration.base, symbol.duration.dots)
        return str(Note(symbol.pitches[-1:], plain, symbol.grace, symbol.fermata))
    return text
