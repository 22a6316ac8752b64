"""Every kind of failure that a user can meet, and how to bring it about.

docs/errors.md shows these cases (`python -m docs.make_errors`), tests/test_errors.py provokes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli import pipeline, registry
from omrcli.cli.app import app
from omrcli.errors import (
    DamagedPageError,
    DoubtfulError,
    InputError,
    MissingDependencyError,
    ModelError,
    NothingRecognisedError,
    OmrError,
    OutputError,
    TokenError,
    UsageError,
)
from omrcli.score.checks import Quality
from tests import tiny
from tests.bombs import png_claiming
from tests.drawn import write_blank, write_page

MODEL = str(tiny.PATH)


@dataclass(frozen=True)
class Bench:
    """Where a failure is brought about."""

    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def staff(self) -> Path:
        """An image that is read without any failure."""
        return write_page(self.folder / "staff.png")

    def file(self, name: str, content: bytes | str = b"") -> Path:
        """A file of the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, *arguments: str | Path, **environment: str) -> Any:
        """Run a command in this process."""
        return CliRunner().invoke(app, [str(text) for text in arguments], env=environment)

    def read(self, *arguments: str | Path, model: str | Path = MODEL) -> Any:
        """Run `omr transcribe` with the tiny model."""
        return self.run("transcribe", "-m", model, *arguments)

    def read_file(self, name: str, content: bytes | str) -> Any:
        """Run `omr transcribe` on a file of that content."""
        return self.read(self.file(name, content))

    def without(self, *packages: str) -> Bench:
        """Let packages be not installed."""
        for package in packages:
            self.patch.setitem(sys.modules, package, None)
        if "torch" in packages:  # an earlier test may have loaded what needs it
            for name in [name for name in sys.modules if name.startswith("omrcli.training")]:
                self.patch.delitem(sys.modules, name)
        return self

    def failing(self, error: BaseException) -> Bench:
        """Let the reading of a page fail."""

        def fail(*arguments: object) -> None:
            raise error

        self.patch.setattr(pipeline, "straighten", fail)
        return self

    def installed(self, content: bytes | None = None) -> Path:
        """A folder in which the tiny model is the only one installed; its file may be changed."""
        folder = self.folder / "models"
        folder.mkdir()
        path = folder / "tiny.onnx"
        path.write_bytes(tiny.PATH.read_bytes())
        registry.register_model(path)
        self.patch.setattr(registry, "model_folders", lambda: [folder])
        if content is not None:
            path.write_bytes(content)
        return path

    def respecified(self, **changes: Any) -> Path:
        """The tiny model with another spec."""
        model = registry.load_model(tiny.PATH)
        out = self.folder / "other.onnx"
        registry.write_spec(model, replace(model.spec, **changes), out)
        return out


@dataclass(frozen=True)
class Case:
    """A failure: `said` has an ellipsis for what varies; `kind` None is no OmrError."""

    code: int
    kind: type[OmrError] | None
    said: str
    advice: str
    provoke: Callable[[Bench], Any]


def _tokenless(bench: Bench) -> Any:
    bench.patch.setattr(pipeline.Transcriber, "_decode", lambda *arguments: ())
    return bench.read(bench.staff)


def _respelled(bench: Bench) -> Any:
    units = tuple("nonsense" if text == "barline" else text for text in tiny.SPEC.units)
    return bench.read(bench.staff, model=bench.respecified(units=units))


def _agnostic(bench: Bench) -> Any:
    model = bench.respecified(alphabet="agnostic")
    return bench.read(bench.staff, "-o", bench.folder / "a.mid", model=model)


def _without_cuda(bench: Bench) -> Any:
    from omrcli.reading import logits

    bench.patch.setattr(logits.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    return bench.read(bench.staff, "--device", "cuda")


def _none_installed(bench: Bench) -> Any:
    bench.patch.setattr(registry, "model_folders", lambda: [bench.folder])
    return bench.run("transcribe", bench.staff)


def _missing_model(bench: Bench) -> Any:
    bench.installed().unlink()
    return bench.run("transcribe", bench.staff)


def _damaged_manifest(bench: Bench) -> Any:
    bench.installed().with_name("manifest.json").write_text("[]")
    return bench.run("models", "list")


def _badly_read(b: Bench) -> Any:
    b.patch.setattr(pipeline, "measure_quality", lambda score: Quality(4, 1, 0, 0, 12, 0))
    return b.read(b.staff, "--strict", "-o", b.folder / "staff.semantic")


def _partial_batch(bench: Bench) -> Any:
    return bench.read(bench.staff, write_blank(bench.folder / "blank.png"))


def _damaged_pdf_page(bench: Bench) -> Any:
    return bench.failing(DamagedPageError("part.pdf", 0)).read(bench.staff)


def _with_settings(text: str) -> Callable[[Bench], Any]:
    def provoke(bench: Bench) -> Any:
        path = bench.file("omr.toml", text)
        return bench.run("models", "list", OMR_SETTINGS=str(path))

    return provoke


def _samples(bench: Bench, truth: str = "") -> Path:
    folder = bench.folder / "samples"
    folder.mkdir()
    write_page(folder / "a.png")
    if truth:
        (folder / "a.semantic").write_text(truth)
    return folder


CASES = (
    # --- 1 ---
    Case(
        1,
        None,
        "Internal error (…: …); run again with --verbose and report it.",
        "This is a bug: report it with what --verbose says.",
        lambda b: b.failing(ZeroDivisionError("division by zero")).read(b.staff),
    ),
    Case(
        1,
        None,
        "Out of memory; give a smaller image or --batch-size.",
        "Scan at 300 dpi, close other programs, or read fewer staves at a time.",
        lambda b: b.failing(MemoryError()).read(b.staff),
    ),
    # --- 2 ---
    Case(
        2,
        None,
        "No such option: …",
        "`omr COMMAND --help` lists the options.",
        lambda b: b.read("--colour"),
    ),
    Case(
        2,
        None,
        "Missing argument …",
        "Name what is to be read.",
        lambda b: b.run("transcribe"),
    ),
    Case(
        2,
        None,
        "No such command …",
        "`omr --help` lists the commands.",
        lambda b: b.run("sing"),
    ),
    Case(
        2,
        None,
        "Invalid value for …: …",
        "Give a value of the range that `--help` shows.",
        lambda b: b.read(b.staff, "--beam", "0"),
    ),
    Case(
        2,
        UsageError,
        "Device … is unknown; choose from auto, cpu, cuda.",
        "`omr doctor` tells which of them this machine has.",
        lambda b: b.read(b.staff, "--device", "tpu"),
    ),
    Case(
        2,
        UsageError,
        "Format … is unknown; choose from …",
        "Take one of the formats named.",
        lambda b: b.read(b.staff, "-f", "midi2"),
    ),
    Case(
        2,
        UsageError,
        "… has no suffix of a known format; choose from …",
        "Let the file's name end in one of the suffixes named, or a folder's in a slash.",
        lambda b: b.read(b.staff, "-o", b.folder / "score.doc"),
    ),
    Case(
        2,
        UsageError,
        "… inputs cannot all be written to …; give a folder and a format: …",
        "Write to a folder, or join the pages of one piece with --join.",
        lambda b: b.read(b.staff, b.file("b.png"), "-o", b.folder / "a.mid"),
    ),
    Case(
        2,
        UsageError,
        "-f … is for a folder or standard output, and … has its format in its suffix; …",
        "Leave -f out.",
        lambda b: b.read(b.staff, "-f", "mid", "-o", b.folder / "a.mid"),
    ),
    Case(
        2,
        UsageError,
        "Standard output takes one format, not …",
        "Ask for one format, or write to files.",
        lambda b: b.read(b.staff, "-f", "mid", "-f", "json"),
    ),
    Case(
        2,
        UsageError,
        "Standard output takes … of one input only; give a folder: …",
        "Write to a folder.",
        lambda b: b.read(b.staff, b.file("b.png"), "-f", "musicxml"),
    ),
    Case(
        2,
        UsageError,
        "Standard input (-) can be read only once.",
        "Name it once.",
        lambda b: b.read("-", "-"),
    ),
    Case(
        2,
        UsageError,
        "… would be written twice, from … and …; give them different names or folders.",
        "Two inputs have one name: read them into two folders.",
        lambda b: b.read(b.staff, b.file("staff.jpg"), "-o", f"{b.folder}/out/"),
    ),
    Case(
        2,
        UsageError,
        "… is an input; choose another output.",
        "No input is ever overwritten.",
        lambda b: b.read(b.file("a.mid"), "-o", b.folder / "a.mid"),
    ),
    Case(
        2,
        UsageError,
        "Pages … cannot be read; write them like 2-5 or 1,3,7-.",
        "Pages are numbers and ranges, with commas between.",
        lambda b: b.read(b.staff, "--pages", "two"),
    ),
    Case(
        2,
        UsageError,
        "Pages are counted from 1, so there is no page 0.",
        "Ask for page 1.",
        lambda b: b.read(b.staff, "--pages", "0-2"),
    ),
    Case(
        2,
        UsageError,
        "Pages …-… run backwards; write …-….",
        "Turn the range round.",
        lambda b: b.read(b.staff, "--pages", "5-2"),
    ),
    Case(
        2,
        UsageError,
        "There is no page … in …: it has …",
        "Ask for pages that are there, counted from 1.",
        lambda b: b.read(b.staff, "--pages", "9"),
    ),
    Case(
        2,
        UsageError,
        "… is for folders, and … is none; leave it out.",
        "Name a folder, or leave the option out.",
        lambda b: b.read(b.staff, "--retry"),
    ),
    Case(
        2,
        UsageError,
        "Give one folder for all that is read from …: -o DIR/.",
        "A folder is read into a folder.",
        lambda b: b.read(b.folder),
    ),
    Case(
        2,
        UsageError,
        "The report … is HTML; give a name that ends in .html, or a folder: --report DIR/.",
        "Let the report's name end so, or in a slash.",
        lambda b: b.read(b.staff, "--report", "proof.pdf"),
    ),
    Case(
        2,
        UsageError,
        "A report shows one piece; give a folder for one of each input, --report DIR/, or the "
        "pages of one piece with --join.",
        "Name a folder, or join the pages.",
        lambda b: b.read(b.staff, b.file("b.png"), "--report", "proof.html"),
    ),
    Case(
        2,
        UsageError,
        "Model … reads the agnostic encoding, which has no pitches; …",
        "Take another model, or write .semantic or .json.",
        _agnostic,
    ),
    Case(
        2,
        UsageError,
        "Format … cannot be written; choose from …",
        "Take one of the formats named.",
        lambda b: b.run("convert", b.file("a.semantic", "clef-G2"), "-o", b.folder / "a.doc"),
    ),
    Case(
        2,
        UsageError,
        "--mark-doubtful marks MusicXML; add -o FILE.musicxml or leave it out.",
        "Only MusicXML can show it.",
        lambda b: b.read(b.staff, "--mark-doubtful", "0.8", "-o", b.folder / "a.mid"),
    ),
    Case(
        2,
        UsageError,
        "…: … is unknown in […]; …",
        "Correct the key in omr.toml; [cli.md](cli.md) names all.",
        _with_settings("[transcribe]\nbeem = 1\n"),
    ),
    Case(
        2,
        UsageError,
        "…: … of omr … is a whole number, not …",
        "Give the option a value of its type in omr.toml.",
        _with_settings("[transcribe]\nbeam = 'many'\n"),
    ),
    Case(
        2,
        UsageError,
        "… is no TOML: …; see docs/settings.md.",
        "Correct the line of omr.toml that is named.",
        _with_settings("[transcribe\n"),
    ),
    Case(
        2,
        UsageError,
        "The environment variable … is unknown; did you mean …?",
        "Correct or unset the variable.",
        lambda b: b.run("models", "list", OMR_TRANSCRIBE_BEEM="1"),
    ),
    Case(
        2,
        UsageError,
        "There is no command …; `omr --help` lists them.",
        "Name a command as it is called, such as `omr settings models list`.",
        lambda b: b.run("settings", "sing"),
    ),
    # --- 3 ---
    Case(
        3,
        InputError,
        "… does not exist; check the path.",
        "Check the spelling, and the folder you are in.",
        lambda b: b.read(b.folder / "no.png"),
    ),
    Case(
        3,
        InputError,
        "… cannot be read (…); check its permissions.",
        "Let your user read the file.",
        lambda b: b.read(b.folder / ("long" * 100)),
    ),
    Case(
        3,
        InputError,
        "… is empty; give an image (…).",
        "Scan or copy the file again.",
        lambda b: b.read_file("a.png", b""),
    ),
    Case(
        3,
        InputError,
        "… is no image that can be read; give a … file.",
        "Export it as one of the formats named.",
        lambda b: b.read_file("a.png", "a letter, and no image"),
    ),
    Case(
        3,
        InputError,
        "… is damaged or cut short; export or copy it again.",
        "The file is not whole: copy or download it again.",
        lambda b: b.read_file("a.png", b.staff.read_bytes()[:200]),
    ),
    Case(
        3,
        InputError,
        "… is only … x … px; give an image that shows a whole staff.",
        "Scan at 300 dpi.",
        lambda b: b.read(write_blank(b.folder / "dot.png", (4, 4))),
    ),
    Case(
        3,
        InputError,
        "… is too large (over … px a side or … megapixels); scale it down or cut it into pages.",
        "Make the image smaller; a page at 300 dpi is more than enough.",
        lambda b: b.read_file("a.png", png_claiming(100_000, 100_000)),
    ),
    Case(
        3,
        InputError,
        "… is damaged or no PDF; export or copy it again.",
        "Copy or download the PDF again.",
        lambda b: b.read_file("a.pdf", "%PDF-1.7 and nothing more"),
    ),
    Case(
        3,
        DamagedPageError,
        "Page … of … is damaged; export or copy the file again.",
        "Pages that are whole are read; of a file without one nothing is.",
        _damaged_pdf_page,
    ),
    Case(
        3,
        TokenError,
        "… is no token of the semantic encoding; see docs/encoding.md.",
        "The model, or the file, is of another version or damaged.",
        _respelled,
    ),
    Case(
        3,
        InputError,
        "… in … is no token of the semantic encoding; see docs/encoding.md.",
        "Correct the token in the file.",
        lambda b: b.run(
            "convert", b.file("a.semantic", "clef-G2 blob"), "-o", b.folder / "a.musicxml"
        ),
    ),
    Case(
        3,
        InputError,
        "… is empty; give a file of tokens, a line for each part.",
        "Take the file that was meant.",
        lambda b: b.run("convert", b.file("a.semantic"), "-o", b.folder / "a.musicxml"),
    ),
    Case(
        3,
        InputError,
        "… declares XML entities; remove its document type.",
        "A score needs none; they can be made to harm.",
        lambda b: b.run(
            "convert",
            b.file(
                "a.musicxml", '<!DOCTYPE a [<!ENTITY b "c">]><score-partwise>&b;</score-partwise>'
            ),
            "-o",
            b.folder / "a.semantic",
        ),
    ),
    Case(
        3,
        InputError,
        "There are no images or PDF files in …",
        "Name the folder that holds them, or read the folders in it too with -r.",
        lambda b: b.read(b.folder, "-o", f"{b.folder / 'out'}/"),
    ),
    Case(
        3,
        InputError,
        "The test set or corpus … does not exist; check the path.",
        "Check the spelling.",
        lambda b: b.run("eval", b.folder / "no"),
    ),
    Case(
        3,
        InputError,
        "There is no image with a .… file of the same name in …; check the folder.",
        "Each image needs its truth beside it: a.png and a.semantic.",
        lambda b: b.run("eval", _samples(b)),
    ),
    Case(
        3,
        InputError,
        "OMR_SETTINGS names …, which does not exist; correct or unset it.",
        "Let the variable name a file, or nothing for no file.",
        lambda b: b.run("models", "list", OMR_SETTINGS=str(b.folder / "no.toml")),
    ),
    # --- 4 ---
    Case(
        4,
        NothingRecognisedError,
        "In … no staff was found; give a straight, sharp image of printed music.",
        "`--debug DIR` draws what was found; scan sharper, or crop to the music.",
        lambda b: b.read(write_blank(b.folder / "blank.png")),
    ),
    Case(
        4,
        NothingRecognisedError,
        "In … nothing was read on its staves; give a straight, sharp image of printed music.",
        "The staves are empty, or are none.",
        _tokenless,
    ),
    # --- 5 ---
    Case(
        5,
        ModelError,
        "There is no model file …; `omr models list` shows what is there.",
        "Check the path.",
        lambda b: b.read(b.staff, model="no/such.onnx"),
    ),
    Case(
        5,
        ModelError,
        "No model is named …",
        "`omr models list` shows the names.",
        lambda b: b.read(b.staff, model="nobody"),
    ),
    Case(
        5,
        ModelError,
        "No model is installed; give one with --model PATH or set OMRCLI_MODELS to a folder …",
        "Reinstall omrcli, which brings a model.",
        _none_installed,
    ),
    Case(
        5,
        ModelError,
        "Model …: … has SHA-256 …..., but its manifest says …...; reinstall it.",
        "The file was changed or is damaged: install it again.",
        lambda b: (b.installed(b"other"), b.run("transcribe", b.staff))[1],
    ),
    Case(
        5,
        ModelError,
        "The file … of model … is missing; reinstall it.",
        "Install it again.",
        _missing_model,
    ),
    Case(
        5,
        ModelError,
        "… is no manifest of models; reinstall or remove it.",
        "Remove manifest.json, or write it with `omr export --register`.",
        _damaged_manifest,
    ),
    Case(
        5,
        ModelError,
        "… is no ONNX model, or a damaged one; export or install it again.",
        "Take the model from where it was, or export it again.",
        lambda b: b.read(b.staff, model=b.file("a.onnx", "no model")),
    ),
    Case(
        5,
        ModelError,
        "Model … gives … classes, but its spec names …; export it again.",
        "The file's parts are not of one model.",
        lambda b: b.read(b.staff, model=b.respecified(units=tiny.SPEC.units[1:], blank=0)),
    ),
    # --- 6 ---
    Case(
        6,
        MissingDependencyError,
        "… is a HEIC photo; export it as JPEG, or run pip install 'omrcli[heif]'",
        "Run the line that is named, or let the phone take or share JPEG.",
        lambda b: b.without("pillow_heif").read_file("a.heic", b"\0\0\0\x18ftypheic" + bytes(99)),
    ),
    Case(
        6,
        MissingDependencyError,
        "This needs torch; run pip install 'omrcli[train]'.",
        "Install the extra.",
        lambda b: b.without("torch").run("train", b.folder, "--synth", "2"),
    ),
    Case(
        6,
        MissingDependencyError,
        "This needs verovio; run pip install 'omrcli[synth]'.",
        "Install the extra.",
        lambda b: b.without("verovio").run("synth", b.folder / "out"),
    ),
    Case(
        6,
        MissingDependencyError,
        "This needs …; run pip install 'omrcli[report]'.",
        "Install the extra.",
        lambda b: b.without("jinja2", "verovio").read(b.staff, "--report", b.folder / "a.html"),
    ),
    Case(
        6,
        MissingDependencyError,
        "CUDA is not usable: …",
        "`omr doctor` tells what is missing; `--device auto` reads without it.",
        _without_cuda,
    ),
    # --- 7 ---
    Case(
        7,
        OutputError,
        "Cannot write …: its folder does not exist; make it first.",
        "Make the folder.",
        lambda b: b.read(b.staff, "-o", b.folder / "no" / "a.mid"),
    ),
    Case(
        7,
        OutputError,
        "Cannot write …: …; check the folder, or choose another with -o.",
        "The disk is full, or the folder is not yours.",
        lambda b: b.read(b.staff, "-f", "mid", "-o", f"{b.file('taken')}/"),
    ),
    Case(
        7,
        OutputError,
        "… is a folder; give a file name, or a format with -f.",
        "Give the name of a file.",
        lambda b: (
            (b.folder / "out" / "staff.mid").mkdir(parents=True),
            b.read(b.staff, "-f", "mid", "-o", f"{b.folder}/out/"),
        )[1],
    ),
    # --- 8 ---
    Case(
        8,
        None,
        "… of … inputs failed.",
        "The others were read; each failure has its own sentence above.",
        _partial_batch,
    ),
    # --- 9 ---
    Case(
        9,
        DoubtfulError,
        "… was read, but badly: …; correct what --report shows, or leave out --strict.",
        "Outputs were written; measures that do not add up are told above.",
        _badly_read,
    ),
    # --- 130 ---
    Case(
        130,
        None,
        "Interrupted.",
        "You pressed Ctrl-C; no file is left half written.",
        lambda b: b.failing(KeyboardInterrupt()).read(b.staff),
    ),
)
