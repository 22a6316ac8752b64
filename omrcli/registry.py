"""Model name or path -> a local, verified model: manifest, spec and SHA-256.

One ONNX file is one model: everything the network needs travels in its metadata as a `ModelSpec`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from omrcli.errors import ModelError
from omrcli.onnx_file import check_alone, read_metadata, set_metadata
from omrcli.output import write_file

SPEC_KEY = "omr.spec"  # the key in the ONNX metadata_props under which the spec is kept
MANIFEST_NAME = "manifest.json"
FOLDERS_VARIABLE = "OMRCLI_MODELS"
ALPHABETS = ("semantic", "positional", "agnostic")

#: Far beyond any network of this kind: px of interline, interlines above and below the staff, px
#: of width for a frame, and units.
_MOST_INTERLINE, _MOST_ROOM, _MOST_REDUCTION, _MOST_UNITS = 128, 64, 64, 100_000
_HASH_CHUNK = 1 << 20


@dataclass(frozen=True)
class ModelSpec:
    """What one must know to feed a network and to read its output.

    `units` are the network's classes without the blank; `blank` is the blank's class index.
    `interline` is in px; `above` and `below` are the room over and under the staff in interlines;
    `width_reduction` is the number of px per output frame. `calibration` is slope, offset and
    ceiling of the map from what the network says to confidence; None leaves it as it is.
    """

    name: str
    version: str
    alphabet: str
    units: tuple[str, ...]
    blank: int
    interline: int
    above: int
    below: int
    width_reduction: int
    network: str
    loss: str
    training: Mapping[str, str] = field(default_factory=dict, hash=False)
    licence: str = "MIT"
    calibration: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        _check_kinds(self)
        if self.alphabet not in ALPHABETS:
            raise ModelError(
                f"Model {self.name!r} speaks the unknown alphabet {self.alphabet!r}; "
                f"this version knows {', '.join(ALPHABETS)}."
            )
        if not 0 <= self.blank <= len(self.units):
            raise ModelError(
                f"Model {self.name!r} has its blank at {self.blank}, "
                f"outside its {self.classes} classes; export it again."
            )
        if self.calibration is not None and not _is_calibration(self.calibration):
            raise ModelError(
                f"Model {self.name!r} has a damaged calibration; run `omr calibrate` on it again."
            )
        if not (
            1 <= self.interline <= _MOST_INTERLINE
            and 1 <= self.width_reduction <= _MOST_REDUCTION
            and 0 <= min(self.above, self.below) <= max(self.above, self.below) <= _MOST_ROOM
        ):
            raise ModelError(f"Model {self.name!r} has no possible staff geometry; export it.")

    @property
    def classes(self) -> int:
        """The number of output classes C: every unit and the blank."""
        return len(self.units) + 1

    @property
    def height(self) -> int:
        """The height in px of the staff images the network reads."""
        return self.interline * (self.above + 4 + self.below)

    def to_json(self) -> str:
        """Return the spec as JSON text, the same text for the same spec."""
        values = asdict(self)
        values["units"] = list(self.units)
        values["training"] = dict(self.training)
        if self.calibration is None:  # the file then loads in versions that know of none
            del values["calibration"]
        return json.dumps(values, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read a spec from `to_json`'s text.

        Raises:
            ModelError: the text is no JSON object with this spec's fields.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"The model's spec is damaged ({error}); export it again.") from error
        if not isinstance(values, dict):
            raise ModelError("The model's spec is no JSON object; export the model again.")
        _check_spec_fields(values)
        for name in ("units", "calibration"):
            if isinstance(values.get(name), list):
                values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Model:
    """A model file on this machine, with its spec and the SHA-256 of its bytes."""

    path: Path
    spec: ModelSpec
    sha256: str

    @property
    def name(self) -> str:
        """The model's own name, from its spec."""
        return self.spec.name


@dataclass(frozen=True)
class ModelEntry:
    """One line of a manifest: a model by name, its file, and the hash that file must have."""

    name: str
    path: Path
    sha256: str
    size: int
    default: bool


@dataclass(frozen=True)
class Manifest:
    """A folder's models by name, and the name of the one used by default."""

    folder: Path
    default: str | None
    entries: tuple[ModelEntry, ...]


def model_folders() -> list[Path]:
    """Return the folders searched for models by name, in order of precedence."""
    named = [Path(part) for part in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if part]
    return [*named, packaged_folder(), cache_folder()]


def packaged_folder() -> Path:
    """Return the folder of the models that come with the package or lie in its checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def cache_folder() -> Path:
    """Return this user's own folder of models; it need not exist."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "omrcli" / "models"


def list_models() -> list[ModelEntry]:
    """Return every model that can be asked for by name, each name once, defaults marked.

    Raises:
        ModelError: a manifest is damaged.
    """
    found: dict[str, ModelEntry] = {}
    default = _default_entry()
    for manifest in _manifests():
        for entry in manifest.entries:
            found.setdefault(entry.name, entry)
    return [
        ModelEntry(entry.name, entry.path, entry.sha256, entry.size, entry == default)
        for entry in found.values()
    ]


def find_model(name_or_path: str | os.PathLike[str] | None = None) -> Model:
    """Return the model at a path, by name, or (for None) the default one, its hash verified.

    Raises:
        ModelError: no such model, no spec in its file, or a hash that differs from the manifest's.
    """
    if name_or_path is not None and _looks_like_path(name_or_path):
        return load_model(Path(name_or_path))
    return verify_model(find_entry(None if name_or_path is None else os.fspath(name_or_path)))


def find_entry(name: str | None = None) -> ModelEntry:
    """Return the manifest's line for a name, or for None the default model's.

    Raises:
        ModelError: there is no such model.
    """
    if name is None:
        entry = _default_entry()
        if entry is None:
            raise ModelError(
                "No model is installed; give one with --model PATH "
                f"or set {FOLDERS_VARIABLE} to a folder with a {MANIFEST_NAME}."
            )
        return entry
    entries = list_models()
    for entry in entries:
        if entry.name == name:
            return entry
    raise ModelError(_unknown_model(name, [entry.name for entry in entries]))


def load_model(path: Path) -> Model:
    """Return the model in an ONNX file, whatever its hash.

    Raises:
        ModelError: the file is missing, is no ONNX model, or carries no spec.
    """
    if not path.is_file():
        raise ModelError(f"There is no model file {path}; `omr models list` shows what is there.")
    check_alone(path)
    return Model(path=path, spec=read_spec(path), sha256=hash_file(path))


def verify_model(entry: ModelEntry) -> Model:
    """Return the model of a manifest line after comparing its bytes with the hash there.

    Raises:
        ModelError: the file is missing or differs.
    """
    if not entry.path.is_file():
        raise ModelError(f"The file {entry.path} of model {entry.name!r} is missing; reinstall it.")
    actual = hash_file(entry.path)
    if actual != entry.sha256:
        raise ModelError(
            f"Model {entry.name!r}: {entry.path} has SHA-256 {actual[:12]}..., "
            f"but its manifest says {entry.sha256[:12]}...; reinstall it."
        )
    check_alone(entry.path)
    return Model(path=entry.path, spec=read_spec(entry.path), sha256=actual)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, read in chunks.

    Raises:
        ModelError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}; check the file.") from error
    return digest.hexdigest()


def read_spec(path: Path) -> ModelSpec:
    """Return the spec that travels in an ONNX file's metadata.

    Raises:
        ModelError: the file is no ONNX model or carries no spec.
    """
    text = read_metadata(path).get(SPEC_KEY)
    if text is None:
        raise ModelError(f"{path} carries no {SPEC_KEY}; make models with `omr export`.")
    return ModelSpec.from_json(text)


def write_spec(model: Model, spec: ModelSpec, out: Path) -> Model:
    """Write a model's network to `out` with another spec; a manifest that lists `out` is kept up.

    Raises:
        ModelError: the file is no ONNX model, or the manifest is damaged.
        OutputError: the file or the manifest cannot be written.
    """
    try:
        content = model.path.read_bytes()
    except OSError as error:
        raise ModelError(f"Cannot read {model.path}: {error.strerror}; check the file.") from error
    write_file(out, set_metadata(content, SPEC_KEY, spec.to_json()))
    manifest = read_manifest(out.parent)
    for entry in manifest.entries if manifest else ():
        if entry.path.name == out.name and entry.name == spec.name:
            register_model(out, entry.default)
    return load_model(out)


def read_manifest(folder: Path) -> Manifest | None:
    """Return a folder's manifest, or None where the folder has none.

    Raises:
        ModelError: the manifest is there but damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        default = values.get("default")
        entries = tuple(
            ModelEntry(
                name, folder / _bare(row["file"]), row["sha256"], row["bytes"], name == default
            )
            for name, row in values["models"].items()
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}; check the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} is no manifest of models; reinstall or remove it.") from error
    return Manifest(folder, default, entries)


def register_model(path: Path, default: bool = False) -> ModelEntry:
    """Write a model file's line into the manifest of its folder; the first one becomes default.

    Raises:
        ModelError: the file is no model with a spec, or the manifest is damaged.
        OutputError: the manifest cannot be written.
    """
    model = load_model(path)
    folder = path.parent
    manifest = read_manifest(folder) or Manifest(folder, None, ())
    rows = {
        entry.name: {"file": entry.path.name, "sha256": entry.sha256, "bytes": entry.size}
        for entry in manifest.entries
    }
    size = path.stat().st_size
    rows[model.name] = {"file": path.name, "sha256": model.sha256, "bytes": size}
    chosen = model.name if default or manifest.default is None else manifest.default
    text = json.dumps({"default": chosen, "models": rows}, indent=2, sort_keys=True) + "\n"
    write_file(folder / MANIFEST_NAME, text.encode())
    return ModelEntry(model.name, path, model.sha256, size, chosen == model.name)


def _manifests() -> Iterator[Manifest]:
    """Yield the manifest of every folder that has one, in order of precedence."""
    for folder in model_folders():
        manifest = read_manifest(folder)
        if manifest is not None:
            yield manifest


def _default_entry() -> ModelEntry | None:
    """Return the first folder's default model."""
    for manifest in _manifests():
        for entry in manifest.entries:
            if entry.default:
                return entry
    return None


def _looks_like_path(name: str | os.PathLike[str]) -> bool:
    """Tell a path from a name: it has a folder part, the ONNX suffix, or is a Path already."""
    if not isinstance(name, str):
        return True
    return name.endswith(".onnx") or os.sep in name or "/" in name


def _unknown_model(name: str, known: list[str]) -> str:
    if not known:
        return f"No model is named {name!r}, and none is installed; give one with --model PATH."
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"installed: {', '.join(sorted(known))}."
    return f"No model is named {name!r}; {hint}"


def _bare(name: str) -> str:
    """The name of a file in a manifest's own folder; ValueError for a path out of it."""
    if name in ("", ".", "..") or any(sign in name for sign in "/\\:\0"):
        raise ValueError(f"{name!r} is no file name")
    return name


def _is_calibration(values: object) -> bool:
    """Whether these are slope, offset and ceiling of a rising map into 0..1."""
    if not isinstance(values, tuple) or len(values) != 3 or not all(map(_is_number, values)):
        return False
    slope, offset, ceiling = values
    return bool(0 < slope < math.inf and abs(offset) < math.inf and 0 < ceiling <= 1)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_kinds(spec: ModelSpec) -> None:
    """Raise for values of another kind than their fields, which a damaged file may have."""
    texts = (spec.name, spec.version, spec.alphabet, spec.network, spec.loss, spec.licence)
    numbers = (spec.blank, spec.interline, spec.above, spec.below, spec.width_reduction)
    if not (
        isinstance(spec.units, tuple)
        and len(spec.units) <= _MOST_UNITS
        and isinstance(spec.training, Mapping)
        and all(isinstance(text, str) for text in (*texts, *spec.units))
        and all(type(number) is int for number in numbers)
    ):
        raise ModelError("The model's spec has impossible values; export the model again.")


def _check_spec_fields(values: Mapping[str, Any]) -> None:
    """Raise for fields that are missing or that a newer version has written."""
    names = {item.name for item in fields(ModelSpec)}
    needed = names - {"training", "licence", "calibration"}
    missing = sorted(needed - values.keys())
    unknown = sorted(values.keys() - names)
    if missing:
        raise ModelError(f"The model's spec lacks {', '.join(missing)}; export the model again.")
    if unknown:
        raise ModelError(
            f"The model's spec has {', '.join(unknown)}, unknown to this version; upgrade omrcli."
        )
