"""Throws arbitrary input at what reads input: `python -m tests.fuzz --minutes 10`.

Every target takes something drawn by Hypothesis; an expected failure (OmrError) is fine, anything
else is a finding, and so is an example that takes more than MOST_SECONDS of processor time. What
hangs outside of Python, where no signal arrives, is shown by its stack and ends the run.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import itertools
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from omrcli.errors import OmrError
from omrcli.formats.midi import midi_bytes
from omrcli.formats.musicxml import musicxml_bytes, mxl_bytes
from omrcli.formats.musicxml_reader import read_tokens
from omrcli.pages.image import PageImage, decode_image
from omrcli.reading.alphabet import make_codec
from omrcli.reading.decoding import Unit, decode_units
from omrcli.reading.rescoring import Alphabet, MusicOptions, decode_music
from omrcli.registry import ModelSpec, load_model
from omrcli.score.checks import score_warnings
from omrcli.score.score import build_score
from omrcli.staves.staff import StaffGeometry, find_staves, normalise_staff
from omrcli.tokens import Token, parse_symbol, project_primus, read_semantic
from omrcli.upright.straighten import straighten
from tests import bombs, music, tiny
from tests.drawn import draw_page

#: Processor time of one example, far beyond what any of them takes.
MOST_SECONDS = 20
#: Time by the clock after which the whole run is given up, with a stack.
STUCK_SECONDS = 600
_SLICE = 25  # examples of a target before the next one has its turn


class HangError(Exception):
    """An example took too much processor time."""


@dataclass(frozen=True)
class Target:
    """What is fuzzed: `run` takes an example of `examples`."""

    examples: st.SearchStrategy[Any]
    run: Callable[[Any], object]


# --- what examples are made of --------------------------------------------------------------------

ODD_NUMBERS = [0.0, -np.inf, np.inf, np.nan, -1e30, 1e30, 5.0, -0.5, -20.0]


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """(T, C) log-probabilities or nonsense, some with no frame; the last class is the blank."""
    frames, classes = draw(st.integers(0, 30)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 1.0]))), frames)
    with np.errstate(divide="ignore"):
        values = np.log(shares)
    if values.size:
        for _ in range(draw(st.integers(0, 5))):
            place = draw(st.integers(0, values.size - 1))
            values.flat[place] = draw(st.sampled_from(ODD_NUMBERS))
        if draw(st.integers(0, 9)) == 0:
            values[:] = draw(st.sampled_from(ODD_NUMBERS))
    return values.astype(np.float32)


@st.composite
def mutated(draw: st.DrawFn, originals: Callable[[], dict[str, bytes]]) -> bytes:
    """A real file, cut short, with changed, removed, repeated or foreign bytes."""
    files = originals()
    data = bytearray(files[draw(st.sampled_from(sorted(files)))])
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        if draw(st.booleans()):  # most of what matters stands in the first bytes
            at %= 200
        much = draw(st.integers(0, 40))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case 1:
                data[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
                )
            case 2:
                del data[at : at + much]
            case 3:
                data[at:at] = data[at : at + much] * 3
            case _:
                del data[at:]
    return bytes(data)


@cache
def image_files() -> dict[str, bytes]:
    """An image of each format, and of each kind of pixels."""
    page = Image.fromarray(draw_page(1, 300))
    plain = {kind: _encode(page, kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")}
    exif = Image.Exif()
    exif[274] = 6
    return plain | {
        "turned": _encode(page, "JPEG", exif=exif),
        "palette": _encode(page.convert("P"), "PNG", transparency=3),
        "deep": _encode(Image.fromarray(draw_page(1, 300).astype(np.uint16) * 257), "PNG"),
        "alpha": _encode(page.convert("LA"), "PNG"),
        "bits": _encode(page.convert("1"), "TIFF", compression="group4"),
        "lzw": _encode(page, "TIFF", compression="tiff_lzw"),
        "float": _encode(page.convert("F"), "TIFF"),
        "cmyk": _encode(page.convert("CMYK"), "JPEG"),
        "pages": _encode(page, "TIFF", save_all=True, append_images=[page, page]),
        "colour": _encode(page.convert("RGB"), "WEBP", lossless=True),
        "profile": _encode(page.convert("RGB"), "PNG", icc_profile=bytes(range(200))),
    }


@cache
def pdf_files() -> dict[str, bytes]:
    """A scan, drawings, and the bombs that end at once."""
    page = Image.fromarray(draw_page(1, 300))
    return {
        "scan": _encode(page, "PDF"),
        "strokes": bombs.pdf_of_strokes(3),
        "forms": bombs.pdf_of_forms(4, 2),
        "acts": bombs.pdf_that_acts(b"true"),
        "pages": bombs.pdf_of_pages(5),
        "loop": bombs.pdf_page_loop(),
        "picture": bombs.pdf_with_picture(100, 100),
    }


@cache
def score_files() -> dict[str, bytes]:
    """MusicXML, plain and packed."""
    texts = [
        "clef-G2 keySignature-EbM timeSignature-3/4 note-C4_eighth_3:2 note-D4_eighth_3:2 "
        "note-E4_eighth_3:2 gracenote-A5_eighth note-C4_half._fermata barline "
        "note-C4_quarter|note-E4_quarter tie note-C4_quarter rest-half multirest-3 barline-final"
    ]
    score = build_score([[Token(text) for text in line.split()] for line in texts])
    return {"plain": musicxml_bytes(score), "packed": mxl_bytes(score)}


@cache
def model_files() -> dict[str, bytes]:
    """The tiny model."""
    return {"tiny": tiny.PATH.read_bytes()}


@st.composite
def pages(draw: st.DrawFn) -> np.ndarray:
    """Pages of any size down to 1 x 1: noise, stripes, blots, black, white, and staves in them."""
    sides = st.one_of(st.integers(1, 40), st.integers(1, 600))
    height, width = draw(sides), draw(sides)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    page = np.full((height, width), draw(st.sampled_from([0, 1, 128, 255])), np.uint8)
    match draw(st.integers(0, 4)):
        case 0:
            page = rng.integers(0, 256, page.shape, np.uint8)
        case 1:
            page[:: draw(st.integers(1, 20))] = draw(st.sampled_from([0, 255]))
        case 2:
            page[:, :: draw(st.integers(1, 20))] = draw(st.sampled_from([0, 255]))
        case 3:
            staff = draw_page(1, max(100, width))
            page = np.roll(staff, draw(st.integers(0, 100)), 0)[:height, :width].copy()
        case _:
            staff = draw_page(draw(st.integers(1, 2)), max(200, width))
            page = np.where(rng.random(staff.shape) < draw(st.floats(0, 0.4)), 0, staff)
    return np.ascontiguousarray(page, np.uint8)


def units(count: int) -> st.SearchStrategy[list[Unit]]:
    """Any units of an alphabet, in any order."""
    unit = st.builds(Unit, st.integers(0, count - 1), st.floats(0, 1), st.just(0), st.just(1))
    return st.lists(unit, max_size=40)


def texts() -> st.SearchStrategy[list[str]]:
    """Token texts, some of them spoilt."""
    words = st.sampled_from(
        [*"|_-#:.4é", "note", "tie", "quarter", "9999999999", "3:2", "/0", "0/4"]
    )
    spoilt = st.lists(words, max_size=6).map("".join)
    return st.lists(st.one_of(music.symbols().map(str), spoilt, st.text(max_size=12)), max_size=20)


def shorten(found: list[str]) -> list[str]:
    """The same with at most two digits to a multirest: its measures are written one by one."""
    return [text[:12] if text.startswith("multirest-") else text for text in found]


def _encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


# --- what takes them ------------------------------------------------------------------------------


def run_decoders(values: np.ndarray) -> None:
    blank = values.shape[1] - 1
    for beam in (1, 4):
        for unit in decode_units(values, blank, beam):
            assert 0 <= unit.index < blank
            assert 0 <= unit.confidence <= 1
            assert 0 <= unit.start < unit.end <= len(values)


def run_music_search(values: np.ndarray) -> None:
    names = make_codec("positional", _positional_units()).units
    step = max(1, len(names) // max(1, values.shape[1] - 1))
    chosen = names[::step][: values.shape[1] - 1]
    values = values[:, : len(chosen) + 1]
    decode_music(values, Alphabet(tuple(chosen), len(chosen)), MusicOptions(beam=4))


def run_codec(found: list[Unit]) -> None:
    codec = make_codec("positional", _positional_units())
    for token in codec.decode(found):
        parse_symbol(token.text)
        assert 0 <= token.confidence <= 1


@cache
def _positional_units() -> tuple[str, ...]:
    from omrcli.reading.alphabet import PositionalCodec

    return PositionalCodec().units


def run_parser(found: list[str]) -> None:
    for text in found:
        with contextlib.suppress(OmrError):
            assert str(parse_symbol(text)) == text
    with contextlib.suppress(OmrError):
        project_primus(found)
    with contextlib.suppress(OmrError):
        make_codec("positional", _positional_units()).encode(found)


def run_semantic_file(data: bytes) -> None:
    with _file(data, ".semantic") as path:
        read_semantic(path)


def run_score(lines: list[list[str]]) -> None:
    score = build_score([[Token(text) for text in line] for line in lines])
    score_warnings(score)
    ET.fromstring(musicxml_bytes(score))
    assert midi_bytes(score).startswith(b"MThd")


def run_images(data: bytes) -> None:
    for page in decode_image(data, "page"):
        assert page.pixels.dtype == np.uint8
        assert page.pixels.ndim == 2


def run_staves(pixels: np.ndarray) -> None:
    page = PageImage(pixels, "page", pixels.shape[1], pixels.shape[0])
    upright, found = straighten(page)
    for staff in [*found, *find_staves(page)]:
        cut = normalise_staff(upright, staff, StaffGeometry())
        assert np.isfinite(cut.pixels).all()


def run_scores(data: bytes) -> None:
    with _file(data, ".musicxml") as path:
        read_tokens(path)


def run_models(data: bytes) -> None:
    with _file(data, ".onnx") as path:
        load_model(path)


@contextlib.contextmanager
def _file(data: bytes, suffix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"it{suffix}"
        path.write_bytes(data)
        yield path


TARGETS = {
    "decoders": Target(tables(), run_decoders),
    "music search": Target(tables(), run_music_search),
    "codec": Target(units(len(_positional_units())), run_codec),
    "token parser": Target(texts(), run_parser),
    "token files": Target(mutated(lambda: {"a": b"clef-G2\tnote-C4_quarter\n"}), run_semantic_file),
    "scores": Target(st.lists(music.sequences().map(shorten), max_size=4), run_score),
    "images": Target(mutated(image_files), run_images),
    "PDF": Target(mutated(pdf_files), run_images),
    "staff finder": Target(pages(), run_staves),
    "MusicXML": Target(mutated(score_files), run_scores),
    "models": Target(mutated(model_files), run_models),
    "specs": Target(st.text(max_size=50) | st.just(tiny.SPEC.to_json()), ModelSpec.from_json),
}


# --- the run --------------------------------------------------------------------------------------


def fuzz(name: str, examples: int) -> int:
    """Run one target on so many examples; the number that was run.

    Raises:
        Exception: what the smallest example found raises.
    """
    target, count = TARGETS[name], 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(example=target.examples)
    def check(example: Any) -> None:
        nonlocal count
        count += 1
        with _limit(), contextlib.suppress(OmrError):
            target.run(example)

    check()
    return count


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Bound an example's processor time where there are timers for that."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise HangError(f"over {MOST_SECONDS} s")


def run(minutes: float, names: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Give each target its turn until time is up; examples and findings of each."""
    examples: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    end = time.monotonic() + 60 * minutes
    for name in itertools.takewhile(lambda _: time.monotonic() < end, itertools.cycle(names)):
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
        try:
            examples[name] += fuzz(name, _SLICE)
        except Exception:
            findings[name] += 1
            print(f"--- {name}\n{traceback.format_exc(limit=-12)}", flush=True)
        finally:
            faulthandler.cancel_dump_traceback_later()
    return examples, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", action="append", choices=list(TARGETS), help="a target")
    asked = parser.parse_args()
    names = asked.only or list(TARGETS)
    examples, findings = run(asked.minutes, names)
    for name in names:
        print(f"{name:14} {examples[name]:8,} examples {findings[name]:4} findings")
    print(f"{'all':14} {examples.total():8,} examples {findings.total():4} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
