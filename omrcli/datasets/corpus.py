"""Folders of images with truth -> Samples, and lists of sample ids.

Understood are PrIMuS and Camera-PrIMuS as distributed (`ID/ID.png`, `ID/ID_distorted.jpg`,
`ID/ID.semantic`, `ID/ID.agnostic`), flat folders of the same files, what `omr synth` writes, and
images or PDF files beside a MusicXML file of the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from omrcli.errors import InputError, UsageError
from omrcli.tokens import read_semantic

Encoding = Literal["semantic", "agnostic"]
Look = Literal["clean", "distorted"]

#: In the order of preference where one sample has several.
IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pgm", ".ppm", ".pdf",
)  # fmt: skip
SCORE_SUFFIXES = (".musicxml", ".mxl", ".xml")
#: Camera-PrIMuS stores the worn look of `ID.png` as `ID_distorted.jpg`.
DISTORTED = "_distorted"

_Group = Mapping[str, Path]  # suffix -> file, of the files that differ in nothing else


@dataclass(frozen=True)
class Sample:
    """An image and the file that holds its truth; nothing is read until `tokens` is asked for."""

    id: str
    image: Path
    truth: Path

    @property
    def is_score(self) -> bool:
        """Whether the truth is a file of a score and not of tokens."""
        return self.truth.suffix.lower() in SCORE_SUFFIXES

    @property
    def tokens(self) -> tuple[str, ...]:
        """The true token texts, read anew each time.

        Raises:
            InputError: the truth cannot be read or is empty.
        """
        if self.is_score:
            from omrcli.formats.musicxml_reader import read_tokens

            texts = tuple(read_tokens(self.truth))
        else:
            texts = tuple(read_semantic(self.truth))
        if not texts:
            raise InputError(f"The truth {self.truth} is empty; fill it or remove the sample.")
        return texts


def find_samples(root: Path, encoding: Encoding = "semantic", look: Look = "clean") -> list[Sample]:
    """Samples of a folder and its subfolders, or of one image, ordered by id.

    The id is the bare file name, or the path below `root` where folders repeat a name. Each id
    gives one sample: `look` chooses between `ID.png` and `ID_distorted.jpg` where both exist.
    MusicXML is the truth of the semantic encoding where there is no `.semantic` file.

    Raises:
        UsageError: the encoding or look is unknown.
        InputError: the path does not exist, or holds no image with truth.
    """
    _check_choice("encoding", encoding, ("semantic", "agnostic"))
    _check_choice("look", look, ("clean", "distorted"))
    if not root.exists():
        raise InputError(f"The test set or corpus {root} does not exist; check the path.")
    groups = _group_files(sorted(root.rglob("*") if root.is_dir() else _siblings(root)))
    found = (_make_sample(stem, groups, encoding, look) for stem in groups)
    samples = [sample for sample in found if sample is not None]
    if not samples:
        raise InputError(
            f"There is no image with a .{encoding} file of the same name in {root}; "
            "check the folder."
        )
    below = root if root.is_dir() else root.parent
    return sorted(_name_apart(samples, below), key=lambda sample: sample.id)


def read_split(path: Path) -> list[str]:
    """Sample ids of a list file, one a line, as the reference implementation distributes them.

    Blank lines and lines after `#` are left out; an id may be given as a path to its image.

    Raises:
        InputError: the file cannot be read or lists nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"Cannot read the list {path}: {error}; give a text file with one sample id a line."
        ) from error
    texts = [line.partition("#")[0].strip() for line in lines]
    ids = [_bare_id(text) for text in texts if text]
    if not ids:
        raise InputError(f"The list {path} is empty; give one sample id a line.")
    return ids


def select_samples(samples: Iterable[Sample], ids: Sequence[str]) -> list[Sample]:
    """The samples of a split, in its order.

    Raises:
        InputError: the split names samples that are not there.
    """
    known = {sample.id: sample for sample in samples}
    missing = [name for name in ids if name not in known]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(ids)} listed samples are not in the folder, the first is "
            f"'{missing[0]}'; give the folder that the list was made for."
        )
    return [known[name] for name in ids]


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"The {what} '{value}' is unknown; choose {' or '.join(choices)}.")


def _bare_id(text: str) -> str:
    if not text.lower().endswith(IMAGE_SUFFIXES):
        return text
    return Path(text.replace("\\", "/")).stem.removesuffix(DISTORTED)


def _siblings(image: Path) -> list[Path]:
    return [file for file in image.parent.iterdir() if file.stem == image.stem]


def _group_files(files: Iterable[Path]) -> dict[Path, dict[str, Path]]:
    """Files by their path without the suffix; hidden files (`._x.png`) are not samples."""
    groups: dict[Path, dict[str, Path]] = {}
    for file in files:
        if not file.name.startswith("."):
            groups.setdefault(file.with_suffix(""), {})[file.suffix.lower()] = file
    return groups


def _make_sample(
    stem: Path, groups: Mapping[Path, _Group], encoding: str, look: str
) -> Sample | None:
    truths = (f".{encoding}", *(SCORE_SUFFIXES if encoding == "semantic" else ()))
    truth = _first(groups[stem], truths)
    worn_stem = stem.with_name(stem.name + DISTORTED)
    worn_group = groups.get(worn_stem, {})
    # A worn image with a truth of its own is a sample of its own.
    worn = None if _first(worn_group, truths) else _first(worn_group, IMAGE_SUFFIXES)
    clean = _first(groups[stem], IMAGE_SUFFIXES)
    image = (clean or worn) if look == "clean" else (worn or clean)
    return Sample(stem.name, image, truth) if truth and image else None


def _first(group: _Group, suffixes: Iterable[str]) -> Path | None:
    return next((group[suffix] for suffix in suffixes if suffix in group), None)


def _name_apart(samples: Sequence[Sample], root: Path) -> list[Sample]:
    counts = Counter(sample.id for sample in samples)
    return [
        replace(sample, id=sample.truth.relative_to(root).with_suffix("").as_posix())
        if counts[sample.id] > 1
        else sample
        for sample in samples
    ]
