"""Packages that reading needs, extras, and programs that are used where they are installed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from omrcli.errors import ExitCode, MissingDependencyError, OmrError
from omrcli.reading.devices import REPAIR_RUNTIME
from omrcli.settings.files import read_file

from .findings import MISSING, OK, WRONG, Finding, Section

#: A name for people -> the distributions of which one must be installed.
NEEDED = {
    "numpy": ("numpy",),
    "opencv": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime"),
    "music21": ("music21",),
    "mido": ("mido",),
    "pillow": ("pillow",),
    "pypdfium2": ("pypdfium2",),
    "typer": ("typer",),
    "rich": ("rich",),
}
_NOT_FOR_USERS = ("all", "dev")
_EXTRA = re.compile(r"([A-Za-z0-9._-]+).*;.*\bextra\s*==\s*['\"]([a-z0-9_-]+)['\"]")
_PATIENCE = 10  # seconds that a program may take to say its version


def check_packages() -> Section:
    """The packages without which nothing is read, each with its version."""
    return Section("Packages", tuple(_check_needed(name, NEEDED[name]) for name in NEEDED))


def check_extras() -> Section:
    """Each extra: its packages with their versions, or the line that installs it."""
    return Section("Extras", tuple(_check_extra(*extra) for extra in find_extras().items()))


def check_programs() -> Section:
    """The programs that `omr synth` can engrave with."""
    return Section(
        "Programs",
        (_check_program("LilyPond", "lilypond"), _check_program("MuseScore", "musescore")),
    )


def find_version(distribution: str) -> str | None:
    """The installed version of a distribution, or None; nothing is imported."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def find_extras() -> dict[str, tuple[str, ...]]:
    """Each extra and the distributions in it, as the package or its checkout says."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _read_requirements():
        match = _EXTRA.match(line)
        if match and match[2] not in _NOT_FOR_USERS and match[1].lower() != "omrcli":
            found[match[2]] = (*found.get(match[2], ()), match[1])
    return found


def _read_requirements() -> list[str]:
    """Requirements as in a wheel's metadata; where nothing is installed, from pyproject.toml."""
    try:
        return requires("omrcli") or []
    except PackageNotFoundError:
        pass
    try:
        project = read_file(Path(__file__).parents[2] / "pyproject.toml")["project"]
    except (OmrError, KeyError, ImportError):
        return []
    extras: dict[str, list[str]] = project.get("optional-dependencies", {})
    return [f"{line}; extra == '{extra}'" for extra in extras for line in extras[extra]]


def _check_needed(name: str, distributions: tuple[str, ...]) -> Finding:
    found = [(each, known) for each in distributions if (known := find_version(each))]
    if not found:
        advice = f"Run pip install {distributions[0]}."
        return Finding(name, "not installed", WRONG, advice, ExitCode.DEPENDENCY)
    value = ", ".join(known if each == name else f"{known} ({each})" for each, known in found)
    if name == "onnxruntime" and len(found) > 1:
        advice = f"Two ONNX runtimes overwrite each other's files: run {REPAIR_RUNTIME}."
        return Finding(name, value, WRONG, advice)
    return Finding(name, value, OK)


def _check_extra(extra: str, distributions: tuple[str, ...]) -> Finding:
    known = {name: find_version(name) for name in distributions}
    there = ", ".join(f"{name} {found}" for name, found in known.items() if found)
    missing = [name for name, found in known.items() if not found]
    if not missing:
        return Finding(extra, there, OK)
    value = f"without {', '.join(missing)}" + (f"; has {there}" if there else "")
    return Finding(extra, value, MISSING, f"Run pip install 'omrcli[{extra}]'.")


def _check_program(name: str, module: str) -> Finding:
    """A program that a module of `synth` finds by `find_NAME` and says how to install."""
    try:
        door = import_module(f"omrcli.synth.{module}")
        path = getattr(door, f"find_{module}")()
    except MissingDependencyError as error:
        return Finding(name, "not installed", MISSING, f"{error}.")
    except ImportError as error:
        return Finding(name, f"not looked for ({error})", MISSING)
    said = next(_ask_version(path), "version unknown")
    return Finding(name, f"{said}, {path}", OK)


def _ask_version(path: str) -> Iterator[str]:
    """Yield the first number such as 2.24.3 that a program says of itself."""
    try:
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},  # MuseScore looks for a screen
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return
    yield from re.findall(r"\d+\.\d+(?:\.\d+)*", said.stdout + said.stderr)
