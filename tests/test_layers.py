"""Each heavy dependency has one door, and imports between modules point one way."""

from __future__ import annotations

import ast
import fnmatch
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "omrcli"
DOORS = {
    "torch": ("training/*.py",),
    "onnx": ("training/*.py",),
    "typer": ("cli/*.py",),
    "rich": ("cli/*.py",),
    "verovio": ("engrave.py",),
    "resvg_py": ("synth/render.py",),
    "fontTools": ("synth/lettering.py", "convert/music_font.py"),
    "music21": ("formats/musicxml*.py", "convert/midi_files.py"),
    "mido": ("formats/midi.py", "convert/midi_files.py"),
    "typst": ("convert/pages.py",),
    "jinja2": ("report/page.py",),
    "PIL": ("pages/image.py", "debug_view.py"),
    "pillow_heif": ("pages/image_formats.py",),
    "pypdfium2": ("pages/pdf_drawing.py",),
    "onnxruntime": ("reading/logits.py", "training/precision.py"),
    "matplotlib": ("plots.py",),
    "wordcloud": ("datasets/plots.py",),
}
TOP, MIDDLE = 3, 2
LAYERS = {
    "cli": TOP,
    **dict.fromkeys(
        ("batch", "doctor", "pipeline", "evaluation", "report", "synth", "training"), MIDDLE
    ),
}
# (who, whom) in the middle layer; training draws and degrades music on the fly.
SIDEWAYS = {
    ("batch", "pipeline"),
    ("batch", "report"),
    ("evaluation", "pipeline"),
    ("training", "synth"),
    ("doctor", "pipeline"),
    ("doctor", "synth"),
    ("report", "synth"),
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_models" not in path.parts)


def imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Dotted names of everything imported at run time, relative ones resolved."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
        yield from imported(node, package)


def imports_of(path: Path) -> set[str]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return set(imported(ast.parse(path.read_text(encoding="utf-8")), parts[:-1]))


def own_imports(path: Path) -> set[str]:
    """This package's modules or folders that a module imports, `cli_x` counting as `cli`."""
    names = {name.split(".")[1] for name in imports_of(path) if name.startswith("omrcli.")}
    return {unit(name) for name in names}


def unit(name: str) -> str:
    return "cli" if name == "__main__" else name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_imports_stay_behind_their_door(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    roots = {name.split(".")[0] for name in imports_of(path)}
    trespasses = [
        package
        for package, doors in DOORS.items()
        if package in roots and not any(fnmatch.fnmatch(place, door) for door in doors)
    ]
    assert not trespasses, f"{place} imports {trespasses}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_never_point_up(path: Path) -> None:
    who = unit(path.relative_to(PACKAGE).with_suffix("").parts[0])
    if who == "__init__":
        pytest.skip("the package's lazy public names")
    layer = LAYERS.get(who, 1)
    for whom in own_imports(path) - {who}:
        other = LAYERS.get(whom, 1)
        assert other <= layer, f"{who} imports {whom}"
        if layer == other == MIDDLE:
            assert (who, whom) in SIDEWAYS, f"{who} imports {whom}"


def test_no_module_imports_itself_through_others() -> None:
    names = {unit(path.relative_to(PACKAGE).with_suffix("").parts[0]) for path in modules()}
    graph: dict[str, set[str]] = {name: set() for name in names - {"__init__"}}
    for path in modules():
        who = unit(path.relative_to(PACKAGE).with_suffix("").parts[0])
        if who in graph:
            graph[who] |= (own_imports(path) & graph.keys()) - {who}
    while leaves := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - leaves for name, needs in graph.items() if name not in leaves}
    assert not graph, f"circular imports among {sorted(graph)}"


def test_the_guard_sees_an_import_hidden_in_a_function() -> None:
    source = "def f():\n    if True:\n        from torch.nn import Module\n"
    assert "torch.nn" in set(imported(ast.parse(source), ("omrcli",)))


def test_modules_are_not_too_long() -> None:
    long = {p.name: n for p in modules() if (n := len(p.read_text("utf-8").splitlines())) > 600}
    assert not long


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import omrcli", ["numpy", "cv2", "onnxruntime", "typer", "music21", "torch"]),
        (
            "import omrcli.cli.app",
            ["numpy", "cv2", "onnxruntime", "music21", "torch", "rich.table"],
        ),
        ("import omrcli.pipeline", ["music21", "torch", "typer", "verovio", "matplotlib"]),
        ("import omrcli.registry", ["numpy", "onnxruntime", "onnx"]),
        ("import omrcli.settings.files", ["numpy", "typer", "tomllib", "tomli", "difflib"]),
        ("import omrcli.doctor.diagnosis", ["numpy", "cv2", "onnxruntime", "verovio", "typer"]),
    ],
)
def test_import_loads_nothing_heavy(statement: str, heavy: list[str]) -> None:
    code = f"import sys; {statement}; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert result.stdout.strip() == "[]"
