"""Folders -> the images and PDF files in them, each with its place in the tree and its name."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from omrcli.errors import UsageError
from omrcli.formats.destinations import FORMATS as OUTPUT_FORMATS
from omrcli.pages.image_formats import HEIF_SUFFIXES, INSTALL_HEIF, find_suffixes

#: Of files that are skipped these are not named: outputs, manifests, reports, settings.
_OWN_SUFFIXES = frozenset(f".{name}" for name in (*OUTPUT_FORMATS, "jsonl", "html", "htm", "toml"))
_MOST_NAMED = 3
_DIGITS = re.compile(r"(\d+)")
_Place = tuple[int, int]  # device and inode: what a folder is, by whatever path it is reached


@dataclass(frozen=True)
class Input:
    """A file to read; `key` is its place in the tree, with slashes, such as "sub/a.png"."""

    path: Path
    key: str


@dataclass(frozen=True)
class Found:
    """What is in some folders: files in natural order, and sentences on what cannot be read.

    `skipped` are the keys of files that are neither images nor PDF files, nor such as are written
    here.
    """

    inputs: tuple[Input, ...]
    problems: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def describe_skipped(self) -> list[str]:
        """A sentence for each kind of file that was skipped; it names the first of them."""
        phone = [key for key in self.skipped if _suffix(key) in HEIF_SUFFIXES]
        other = [key for key in self.skipped if _suffix(key) not in HEIF_SUFFIXES]
        advice = f"export HEIC as JPEG, or run {INSTALL_HEIF}"
        return [
            *([f"{_list_names(phone)}; {advice}"] if phone else []),
            *([f"{_list_names(other)}; only images and PDF files are read."] if other else []),
        ]


def find_inputs(
    roots: Sequence[Path], recursive: bool = False, ignored: Iterable[Path] = ()
) -> Found:
    """Find the images and PDF files in folders; files among the roots are taken as they are.

    Hidden files, and the folders and files in `ignored`, are left out. A folder that can be reached
    in several ways, as through symbolic links, is read once: loops are harmless. The tree of a
    single folder starts at its content, that of several with their names.

    Raises:
        UsageError: two roots have one name, and their trees would be one.
    """
    walk = _Walk(recursive, ignored)
    single = len(roots) == 1
    found = [
        item
        for root, name in zip(roots, _name_roots(roots), strict=True)
        for item in (
            walk.read(root, "" if single else name) if root.is_dir() else [Input(root, name)]
        )
    ]
    found.sort(key=lambda item: _order(item.key))
    return Found(tuple(found), tuple(walk.problems), tuple(sorted(walk.skipped, key=_order)))


def natural_key(key: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """What paths are sorted by: folder by folder, without case, numbers by their value."""
    return tuple(
        tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part)
        for parts in (_DIGITS.split(folder.casefold()) for folder in key.split("/"))
    )


def _order(key: str) -> tuple[object, str]:
    """Natural order without the suffix: page.png comes before page-2.png."""
    return natural_key(str(PurePosixPath(key).with_suffix(""))), key


def name_outputs(inputs: Sequence[Input], known: Mapping[str, str]) -> dict[str, str]:
    """Name the outputs of each input, by its key: "sub/a" for "sub/a.png", if that is free.

    Of two inputs that differ by their suffix alone, the later one keeps it: "sub/a.png". An input
    keeps the name that is `known` of it, so that what is found later takes none away; but a name
    that was never given here, such as one that leads out of the folder, is not known. Names that
    differ by case alone count as equal, as they are on some disks.
    """
    known = {key: name for key, name in known.items() if _could_be_named(key, name)}
    present = {item.key for item in inputs}
    owners: dict[str, str] = {}
    for key, name in known.items():
        owners.setdefault(_fold(name), key)
    names = {
        key: name for key, name in known.items() if key in present and owners[_fold(name)] == key
    }
    taken = set(owners)
    for item in inputs:
        if item.key not in names:
            names[item.key] = choose_name(item.key, taken)
    return names


def choose_name(file: str, taken: set[str]) -> str:
    """Name what is made of a file without its suffix, or if that is `taken` with it, or a number.

    The name is then taken.
    """
    name = next(name for name in _possible_names(file) if _fold(name) not in taken)
    taken.add(_fold(name))
    return name


class _Walk:
    """A walk through folders that enters none of them twice."""

    def __init__(self, recursive: bool, ignored: Iterable[Path]) -> None:
        self.problems: list[str] = []
        self.skipped: list[str] = []
        self._suffixes = find_suffixes()
        self._recursive = recursive
        places = {path: _place_of(path) for path in ignored}
        self._seen = {place for place in places.values() if place is not None}
        files = (path for path, place in places.items() if place is None)
        self._ignored = frozenset(map(os.path.realpath, files))

    def read(self, root: Path, key: str) -> Iterator[Input]:
        """Yield the files of a tree; what links lead to comes after what is really there."""
        waiting = [(root, key)]
        while waiting:
            links: list[tuple[Path, str]] = []
            folders = waiting[::-1]
            while folders:  # no recursion: folders may be nested deeper than that goes
                folder, start = folders.pop()
                inside: list[tuple[Path, str]] = []
                yield from self._read_folder(folder, start, inside, links)
                folders += inside[::-1]
            waiting = links

    def _read_folder(
        self,
        folder: Path,
        key: str,
        folders: list[tuple[Path, str]],
        links: list[tuple[Path, str]],
    ) -> Iterator[Input]:
        """Yield the files of a folder; the folders and links to folders in it are added to the
        lists."""
        place = _place_of(folder)
        if place in self._seen:
            return
        if place is not None:  # else it cannot be listed either, which is then said
            self._seen.add(place)
        for entry in self._list(folder):
            child = f"{key}/{entry.name}" if key else entry.name
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                if self._recursive:
                    (links if entry.is_symlink() else folders).append((Path(entry.path), child))
            elif _is_file(entry) and not self._is_ignored(entry):
                if _suffix(entry.name) in self._suffixes:
                    yield Input(Path(entry.path), child)
                elif _suffix(entry.name) not in _OWN_SUFFIXES:
                    self.skipped.append(child)

    def _is_ignored(self, entry: os.DirEntry[str]) -> bool:
        return bool(self._ignored) and os.path.realpath(entry.path) in self._ignored

    def _list(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: natural_key(entry.name))
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            self.problems.append(
                f"The folder {folder} cannot be read ({reason}); check its permissions."
            )
            return []


def _name_roots(roots: Sequence[Path]) -> list[str]:
    names = [(root.name or root.resolve().name) for root in roots]
    for place, name in enumerate(names):
        first = names.index(name)
        if first < place:
            raise UsageError(
                f"{roots[first]} and {roots[place]} have one name; read them in two runs, "
                "each to a folder of its own."
            )
    return names


def _place_of(folder: Path) -> _Place | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Tell whether this is a file to look at; a broken link is, so that it is not overlooked."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)  # a pipe would be waited for
    except OSError:
        return True


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _list_names(keys: Sequence[str]) -> str:
    named, left = ", ".join(keys[:_MOST_NAMED]), len(keys) - _MOST_NAMED
    more = f" and {left} more" if left > 0 else ""
    files = "1 file was" if len(keys) == 1 else f"{len(keys)} files were"
    return f"{files} skipped: {named}{more}"


def _possible_names(key: str) -> Iterator[str]:
    yield str(PurePosixPath(key).with_suffix(""))
    yield key
    number = 2
    while True:
        yield f"{key}.{number}"
        number += 1


def _could_be_named(key: str, name: str) -> bool:
    plain, full = islice(_possible_names(key), 2)
    return name in (plain, full) or bool(re.fullmatch(rf"{re.escape(full)}\.\d+", name))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
