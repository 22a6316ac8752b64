"""XML that others wrote -> elements, plain or from an .mxl archive, within limits.

A file may be made to harm: entities that expand without end or name other files, archives that
unpack to gigabytes, elements nested a million deep. Expat itself guards against some of this in
newer versions; here every declaration of an entity is refused, whatever the version.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from omrcli.errors import InputError

#: A score of more bytes, packed or unpacked, is a mistake or an attack; large orchestral scores
#: take about 50 MiB.
MAX_BYTES = 128 * 2**20
#: Elements of a document; each takes about 200 bytes of memory.
MAX_ELEMENTS = 6_000_000
#: Elements within each other; MusicXML needs about ten.
MAX_DEPTH = 100

_CONTAINER = "META-INF/container.xml"
_SUFFIXES = (".xml", ".musicxml")


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most MAX_BYTES.

    Raises:
        InputError: it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"Cannot read {path}: {reason.lower()}; check the name.") from error
    check_size(data, str(path))
    return data


def check_size(data: bytes, name: str) -> None:
    """Raise InputError if a file has more bytes than any score."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES >> 20} MiB; no score is that large.")


def parse_score(data: bytes, name: str) -> Element:
    """The root element of a MusicXML file; `name` is for messages.

    Raises:
        InputError: it is no XML, or beyond the limits of this module.
    """
    return parse_xml(unpack_score(data, name), name)


def unpack_score(data: bytes, name: str) -> bytes:
    """The score inside an .mxl archive; any other data as they are.

    Nothing is written to disk, and only members of the archive are ever read.

    Raises:
        InputError: the archive is damaged, encrypted, holds no score or one that is too large, or
            has names that lead out of it.
    """
    check_size(data, name)
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _member(archive, _find_score(archive, name), name)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, OSError) as error:
        reason = str(error).strip("'\"").rstrip(".")
        raise InputError(f"Cannot read {name} as MusicXML: {reason}; export it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a rare way
        raise InputError(
            f"Cannot unpack {name}: it is encrypted or packed in an unusual way; export it again."
        ) from error


def _find_score(archive: zipfile.ZipFile, name: str) -> str:
    names = archive.namelist()
    for member in names:
        _check_inside(member, name)
    scores = [n for n in names if n.lower().endswith(_SUFFIXES) and not n.startswith("META-INF/")]
    if len(scores) > 1:
        container = parse_xml(_member(archive, _CONTAINER, name), name)
        paths = [element.get("full-path", "") for element in container.findall(".//{*}rootfile")]
        for path in paths:
            _check_inside(path, name)
        scores = [path for path in paths if path in scores]
    if not scores:
        raise ValueError("the archive holds no score")
    # A lone score needs no container: some programs write a container that is no valid XML.
    return scores[0]


def _check_inside(path: str, name: str) -> None:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if ".." in parts or path.startswith(("/", "\\")) or path[1:2] == ":":
        raise InputError(
            f"{name} names a file outside of itself ({path[:80]}); it was made to harm or is "
            "damaged: export it again."
        )


def _member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    with archive.open(member) as file:
        data = file.read(MAX_BYTES + 1)  # what the archive says of its size is not trusted
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{name} unpacks to more than {MAX_BYTES >> 20} MiB; no score is that large."
        )
    return data


def parse_xml(data: bytes, name: str) -> Element:
    """The root element of an XML document that declares no entities; no other file is ever read.

    Raises:
        InputError: it is no XML, declares entities, or is too large or nested too deep.
    """
    check_size(data, name)
    try:
        return _Parser(name).parse(data)
    except (expat.ExpatError, ValueError, LookupError) as error:  # unknown encodings
        raise InputError(
            f"Cannot read {name} as MusicXML: {error}; check the file or export it again."
        ) from error


class _Parser:
    """Feeds a tree builder from expat; refuses what no score needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._builder = TreeBuilder()
        self._depth = 0
        self._left = MAX_ELEMENTS

    def parse(self, data: bytes) -> Element:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._builder.data
        parser.EntityDeclHandler = self._refuse_entity
        parser.ExternalEntityRefHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._refuse_entity
        parser.Parse(data, True)
        return self._builder.close()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._left -= 1
        if self._depth > MAX_DEPTH:
            raise InputError(f"{self.name} is nested too deep to be a score; export it again.")
        if self._left < 0:
            raise InputError(f"{self.name} has more elements than any score; export it again.")
        named = {_universal(name): value for name, value in attributes.items()}
        self._builder.start(_universal(tag), named)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(_universal(tag))

    def _refuse_entity(self, *declaration: Any) -> int:
        raise InputError(f"{self.name} declares XML entities; remove its document type.")


def _universal(name: str) -> str:
    return "{" + name if "}" in name else name
