"""Files that hold a score -> Music: tokens of parts, or a MusicXML document."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from omrcli.errors import InputError, TokenError, UsageError
from omrcli.formats.musicxml_reader import ScoreReading, read_staves
from omrcli.formats.xml_files import check_size, parse_xml, read_bytes, unpack_score
from omrcli.score.assembly import StaffLine
from omrcli.score.checks import score_warnings
from omrcli.score.score import ExportOptions, Score, build_score
from omrcli.tokens import Multirest, Token, parse_symbol

STDIN = "-"
#: Suffixes of the files that can be read -> what they hold.
READABLE = {
    "semantic": "semantic",
    "musicxml": "musicxml",
    "xml": "musicxml",
    "mxl": "musicxml",
    "mid": "mid",
    "midi": "mid",
    "mei": "mei",
    "krn": "krn",
}
#: Parts of a .semantic file, and measures of it: a multirest of four digits is one short word.
MAX_PARTS, MAX_MEASURES = 200, 100_000


@dataclass(frozen=True)
class Music:
    """A score as it was read; `name` is for messages, `format` a value of READABLE.

    Either `lines` (tokens of each part, as texts) or `document` (MusicXML, unpacked) is given.
    """

    name: str
    format: str
    lines: tuple[tuple[str, ...], ...] = ()
    document: bytes = b""

    @cached_property
    def root(self) -> Element:
        """The MusicXML document as it was read."""
        return parse_xml(self.document, self.name)

    @cached_property
    def score(self) -> Score:
        """The score of the tokens."""
        return build_score(
            [
                StaffLine([Token(text) for text in line], position=position)
                for position, line in enumerate(self.lines)
            ]
        )

    @cached_property
    def reading(self) -> ScoreReading:
        """The tokens of each staff of the document."""
        return read_staves(self.root, self.name)

    @property
    def title(self) -> str | None:
        """The title, if the document tells one."""
        if self.lines:
            return None
        found = self.root.findtext("work/work-title") or self.root.findtext("movement-title")
        return " ".join((found or "").split()) or None

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the music: measures that do not fill their meter."""
        return score_warnings(self.score) if self.lines else []

    def musicxml(self, options: ExportOptions) -> bytes:
        """The music as a MusicXML document; one that was read stays as it was, byte for byte,
        unless the options ask for something else."""
        from omrcli.formats.musicxml import musicxml_bytes

        from .retouch import retouch

        if self.lines:
            return musicxml_bytes(self.score, options)
        return self.document if options == ExportOptions() else retouch(self.root, options)

    def musicxml_text(self, options: ExportOptions) -> str:
        """The same as text without document type, whatever its encoding was: for other programs."""
        return ET.tostring(self.copy_root(options), encoding="unicode")

    def copy_root(self, options: ExportOptions) -> Element:
        """The MusicXML document that `options` ask for, to be changed at will."""
        if self.document and options == ExportOptions():
            return deepcopy(self.root)
        return parse_xml(self.musicxml(options), self.name)


def read_music(source: str, data: bytes | None = None, format: str | None = None) -> Music:
    """Read a score from a file, or from `data` that came from standard input.

    Args:
        source: path of the file, or "-".
        data: the bytes, where they are already read.
        format: a key of READABLE; None is told by the suffix, and without a file by the content.

    Raises:
        UsageError: the format is unknown.
        InputError: the file cannot be read or holds no score.
    """
    kind = _format_of(source, data, format)
    name = "standard input" if source == STDIN else source
    if data is None:
        data = read_bytes(Path(source))
    check_size(data, name)
    if kind == "semantic":
        return Music(name, kind, lines=_read_lines(data, name))
    if kind == "mid":
        from .midi_files import read_midi

        return Music(name, kind, document=read_midi(data, name))
    if kind in ("mei", "krn"):
        from .mei_files import read_mei

        return Music(name, kind, document=read_mei(data, kind, name))
    music = Music(name, kind, document=unpack_score(data, name))
    if music.root.tag == "score-timewise":
        raise InputError(f"{name} is timewise MusicXML, which few programs read; export it again.")
    if music.root.tag != "score-partwise":
        raise InputError(f"{name} is no MusicXML; check the file, or name its format with --from.")
    return music


def _format_of(source: str, data: bytes | None, format: str | None) -> str:
    if format is not None:
        if format.lower() not in READABLE:
            raise UsageError(f"Format {format!r} cannot be read; choose from {_names()}.")
        return READABLE[format.lower()]
    if source == STDIN and data is not None:
        return _sniff(data)
    suffix = Path(source).suffix.lower().lstrip(".")
    if suffix not in READABLE:
        raise UsageError(f"{source} has no suffix of a format to read: {_names()}; give --from.")
    return READABLE[suffix]


def _sniff(data: bytes) -> str:
    if data.startswith(b"MThd"):
        return "mid"
    if data.lstrip().startswith((b"**", b"!!")):
        return "krn"
    if b"http://www.music-encoding.org/ns/mei" in data[:4096]:
        return "mei"
    markup = (b"<", b"PK", b"\xef\xbb\xbf<", b"\xff\xfe", b"\xfe\xff")
    return "musicxml" if data.lstrip()[:4].startswith(markup) else "semantic"


def _names() -> str:
    return ", ".join(READABLE)


def _read_lines(data: bytes, name: str) -> tuple[tuple[str, ...], ...]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text of tokens; check that it is UTF-8.") from error
    lines = tuple(tuple(words) for line in text.splitlines() if (words := line.split()))
    if not lines:
        raise InputError(f"{name} is empty; give a file of tokens, a line for each part.")
    if len(lines) > MAX_PARTS:
        raise InputError(f"{name} has more than {MAX_PARTS} lines; each is a part of the score.")
    for number, line in enumerate(lines, 1):
        _check_line(line, f"line {number} of {name}")
    return lines


def _check_line(line: tuple[str, ...], place: str) -> None:
    """Raise where a line holds what is no token, or rests for longer than anyone would wait."""
    measures = 0
    for text in line:
        try:
            symbol = parse_symbol(text)
        except TokenError as error:
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            raise InputError(
                f"'{shown}' in {place} is no token of the semantic encoding; see docs/encoding.md."
            ) from error
        measures += symbol.count if isinstance(symbol, Multirest) else text != "tie"
    if measures > MAX_MEASURES:
        raise InputError(f"{place} lasts more than {MAX_MEASURES} measures; shorten its rests.")
