"""Corpora of machine-readable music -> token sequences to engrave.

Reads RISM-style Plaine and Easie records (JSON), MusicXML, Humdrum, ABC, MEI and `.semantic`
files, single, in folders or in a tar archive. Verovio imports all but ABC (through
`omrcli.engrave`), and `synth.mei` reads the result.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import random
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path

from omrcli.errors import InputError, MissingDependencyError, OmrError
from omrcli.formats.xml_files import parse_xml, unpack_score

from .abc import read_tune, split_tunes
from .excerpts import ExcerptOptions, excerpts
from .humdrum import split_spines
from .mei import read_mei

#: Suffix -> the name that Verovio gives to the format of what it imports.
FORMATS = {
    ".musicxml": "musicxml",
    ".xml": "musicxml",
    ".mxl": "musicxml",
    ".krn": "humdrum",
    ".mei": "mei",
}
SUFFIXES = (".abc", ".json", ".semantic", *FORMATS)
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
#: Monophonic collections that music21 ships, used when no corpus is named.
MUSIC21_FOLDERS = ("ryansMammoth", "essenFolksong", "oneills1850", "airdsAirs", "palestrina")
#: A staff of which less is readable is a keyboard or percussion staff; its shreds are not music.
MIN_SHARE_READ = 0.5
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class SourceOptions:
    """Which files of a corpus are read, and who hears about those that cannot be."""

    max_files: int | None = None
    seed: int = 0
    on_skip: Callable[[str, OmrError], None] | None = None


@dataclass(frozen=True)
class Piece:
    """The sequences of one file or record; an incipit is short already and is kept whole."""

    name: str
    sequences: tuple[tuple[str, ...], ...]
    incipit: bool = False


def load_corpus(
    path: Path | None = None, options: SourceOptions | None = None
) -> Iterator[list[str]]:
    """Token sequences of a file, folder or archive, part by part; None: tunes shipped by music21.

    Raises:
        InputError: the path does not exist, holds nothing readable, or is a damaged file.
        MissingDependencyError: Verovio, or music21 where no path is given, is not installed.
    """
    for piece in load_pieces(path, options):
        yield from (list(sequence) for sequence in piece.sequences)


def load_excerpts(
    path: Path | None,
    rng: random.Random,
    options: SourceOptions | None = None,
    lengths: ExcerptOptions | None = None,
) -> Iterator[list[str]]:
    """Sequences of a staff's length: incipits whole, everything longer cut by `excerpts`."""
    for piece in load_pieces(path, options):
        for sequence in piece.sequences:
            if piece.incipit:
                yield list(sequence)
            else:
                yield from excerpts(sequence, rng, lengths)


def load_pieces(path: Path | None = None, options: SourceOptions | None = None) -> Iterator[Piece]:
    """Like `load_corpus`, by file or record; unreadable files of a folder or archive are skipped.

    Raises:
        InputError, MissingDependencyError: as `load_corpus`.
    """
    options = options or SourceOptions()
    roots = [path] if path is not None else find_music21_folders()
    for root in roots:
        if not root.exists():
            raise InputError(f"The corpus {root} does not exist; check the path.")
    single = len(roots) == 1 and roots[0].is_file() and not _is_archive(roots[0])
    entries = [entry for root in roots for entry in _list_entries(root)]
    for entry, data in _read_entries(_spread(entries, options)):
        try:
            yield from _read_pieces(entry, data)
        except InputError as error:
            if single:
                raise
            if options.on_skip is not None:
                options.on_skip(entry.name, error)


def find_music21_folders() -> list[Path]:
    """Folders of the tunes that music21 ships, found without importing it.

    Raises:
        MissingDependencyError: music21 is not installed, or without its corpus.
    """
    found = importlib.util.find_spec("music21")
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError(
            "The default corpus needs music21; run: pip install omrcli, or name a corpus."
        )
    corpus = Path(found.submodule_search_locations[0]) / "corpus"
    folders = [corpus / name for name in MUSIC21_FOLDERS if (corpus / name).is_dir()]
    if not folders:
        raise MissingDependencyError(
            f"The installed music21 has no corpus in {corpus}; name a corpus to read."
        )
    return folders


# -- files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """A file of the corpus, or a member of an archive."""

    name: str
    path: Path
    member: str = ""

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def suffix(self) -> str:
        name = self.name.lower().removesuffix(".gz")
        return name[name.rfind(".") :]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def _is_readable(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(SUFFIXES)


def _list_entries(root: Path) -> list[_Entry]:
    if _is_archive(root):
        names = [name for name in _archive_names(root) if _is_readable(name)]
        entries = [_Entry(name, root, name) for name in names]
    elif root.is_file():
        entries = [_Entry(root.as_posix(), root)] if _is_readable(root.name) else []
    else:
        files = sorted(file for file in root.rglob("*") if _is_readable(file.name))
        entries = [_Entry(file.as_posix(), file) for file in files if file.is_file()]
    if not entries:
        known = " ".join(SUFFIXES)
        raise InputError(f"No file of a known format ({known}) in {root}; check the corpus path.")
    return entries


def _archive_names(root: Path) -> list[str]:
    try:
        with tarfile.open(root) as archive:
            return sorted(member.name for member in archive if member.isfile())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"Cannot read the archive {root}: {error}; unpack it again.") from error


def _spread(entries: list[_Entry], options: SourceOptions) -> list[_Entry]:
    """At most `max_files` entries, drawn in turn from the folders so that small ones count too."""
    if options.max_files is None or len(entries) <= options.max_files:
        return entries
    rng = random.Random(options.seed)
    folders: dict[str, list[_Entry]] = {}
    for entry in rng.sample(entries, len(entries)):
        folders.setdefault(entry.folder, []).append(entry)
    turns = zip_longest(*folders.values())
    in_turn = [entry for turn in turns for entry in turn if entry is not None]
    return sorted(in_turn[: options.max_files], key=lambda entry: entry.name)


def _read_entries(entries: list[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
    """Entries with their bytes; an archive is read once, front to back."""
    for path, group in groupby(entries, key=lambda entry: entry.path):
        wanted = {entry.member: entry for entry in group}
        if "" in wanted:
            yield wanted[""], _read_file(path)
            continue
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.name in wanted else None
                if stream is not None:
                    yield wanted[member.name], stream.read(MAX_BYTES)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error}; check its permissions.") from error


# -- formats --------------------------------------------------------------------------------


def _read_pieces(entry: _Entry, data: bytes) -> Iterator[Piece]:
    if entry.name.lower().endswith(".gz"):
        data = _gunzip(data, entry.name)
    if entry.suffix == ".json":
        yield from _read_incipits(data, entry.name)
    elif entry.suffix == ".semantic":
        yield Piece(entry.name, (tuple(_text(data).split()),), incipit=True)
    elif entry.suffix == ".abc":
        for tune in split_tunes(_text(data)):
            yield Piece(entry.name, tuple(map(tuple, read_tune(tune))))
    elif entry.suffix == ".krn":
        spines = [_piece(entry.name, spine, "humdrum") for spine in split_spines(_text(data))]
        yield Piece(entry.name, tuple(text for piece in spines for text in piece.sequences))
    elif entry.suffix in (".mxl", ".musicxml", ".xml"):
        text = drop_keyboard_parts(unpack_score(data, entry.name), entry.name)
        yield _piece(entry.name, text, "musicxml")
    else:
        yield _piece(entry.name, _text(data), FORMATS[entry.suffix])


def _piece(name: str, text: str, input_from: str) -> Piece:
    """Import a text; staves of which less than MIN_SHARE_READ can be read are left out."""
    if not text:
        return Piece(name, ())
    parts = read_mei(_to_mei(text, input_from))
    kept = [part for part in parts if part.share_read >= MIN_SHARE_READ]
    return Piece(name, tuple(tuple(sequence) for part in kept for sequence in part.sequences))


def _to_mei(text: str, input_from: str) -> str:
    if input_from == "mei":
        return text
    from omrcli.engrave import load_as_mei  # heavy, and optional

    return load_as_mei(text, input_from)


def _read_incipits(data: bytes, name: str) -> Iterator[Piece]:
    try:
        records = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is not JSON ({error}); give a list of incipit records."
        ) from error
    if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
        raise InputError(f"{name} is not a list of records with g, n, o and p; check the file.")
    for index, record in enumerate(records):
        if record.get("clean", True) and record.get("p"):
            piece = _piece(f"{name}[{index}]", plaine_and_easie(record), "pae")
            # A record that cannot be read in one stretch is no incipit any more.
            if len(piece.sequences) == 1:
                yield Piece(piece.name, piece.sequences, incipit=True)


def plaine_and_easie(record: dict[str, str]) -> str:
    """Input text of an incipit: clef `g`, key `n`, meter `o`, music `p` of a MARC 031 record."""
    heads = (("clef", "g"), ("keysig", "n"), ("timesig", "o"), ("data", "p"))
    return "".join(f"@{head}:{record.get(key) or ''}\n" for head, key in heads)


def drop_keyboard_parts(data: bytes, name: str) -> str:
    """MusicXML without its parts of two or more staves; empty if no part is left.

    Raises:
        InputError: the data is not partwise MusicXML.
    """
    root = parse_xml(data, name)
    if root.tag != "score-partwise":
        raise InputError(f"{name} is not partwise MusicXML but <{root.tag}>; export it again.")
    dropped = {part.get("id") for part in root.findall("part") if _staff_count(part) > 1}
    for part in root.findall("part"):
        if part.get("id") in dropped:
            root.remove(part)
    listed = root.find("part-list")
    for item in list(listed) if listed is not None else []:
        if listed is not None and (item.tag == "part-group" or item.get("id") in dropped):
            listed.remove(item)
    return ET.tostring(root, encoding="unicode") if root.find("part") is not None else ""


def _staff_count(part: ET.Element) -> int:
    counts = [int(item.text or "1") for item in part.iter("staves")]
    return max(counts, default=1)


def _gunzip(data: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            return stream.read(MAX_BYTES)
    except (OSError, EOFError) as error:
        raise InputError(f"{name} is not a gzip file ({error}); compress it again.") from error


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # old tune books
