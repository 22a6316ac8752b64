"""Staves drawn by MuseScore 3, where it is installed, and the reading of its SVG."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from omrcli.errors import InputError, MissingDependencyError
from omrcli.synth import musescore
from omrcli.synth.clutter import ClutterRates
from omrcli.synth.compose import compose_tokens
from omrcli.synth.musescore import engrave_musescore, find_musescore, run_musescore
from omrcli.synth.musescore_svg import read_engraving
from omrcli.synth.proof import check_engraving
from omrcli.tokens import parse_symbol
from tests.synth.drawings import check_alike

needs_musescore = pytest.mark.skipif(
    not any(map(shutil.which, musescore.PROGRAMS)), reason="MuseScore 3 is not installed"
)
_QUIET = ClutterRates(share=0)
_LINES = "".join(
    f'<polyline class="StaffLines" fill="none" stroke-width="2.00" points="0,{y} 500,{y}"/>'
    for y in (100, 125, 150, 175, 200)
)
_CLEF = '<path class="Clef" d="M10,110 L30,110 L30,190 L10,190 L10,110"/>'


def _head(x: float, y: float) -> str:
    return f'<path class="Note" d="M{x},{y} C{x},{y - 16} {x + 30},{y - 16} {x + 30},{y} C' + (
        f'{x + 30},{y + 16} {x},{y + 16} {x},{y}"/>'
    )


def _check(svg: str, text: str) -> None:
    check_engraving(read_engraving(svg), [parse_symbol(token) for token in text.split()])


def test_what_shows_its_tokens_passes() -> None:
    _check(_LINES + _CLEF + _head(60, 200) + _head(120, 150), "clef-G2 note-E4_whole note-B4_whole")


@pytest.mark.parametrize(
    ("svg", "found"),
    [
        (_LINES + _CLEF + _head(60, 187.5), "another height"),
        (_LINES + _CLEF, "something other than a Note"),
        (_LINES + _CLEF + _head(60, 200) + _head(90, 200), "too many"),
        (_LINES + _CLEF.replace("Clef", "Rest") + _head(60, 200), "something other than a Clef"),
        (_LINES + _CLEF + _head(60, 200) + _CLEF.replace("Clef", "Accidental"), "1 instead of 0"),
    ],
)
def test_what_does_not_show_its_tokens_is_refused(svg: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        _check(svg, "clef-G2 note-E4_whole")


def test_a_matrix_moves_and_scales() -> None:
    moved = '<path class="Note" transform="matrix(0.5,0,0,0.5,60,200)" d="M0,0 L20,10 L20,-10"/>'
    element = read_engraving(_LINES + moved).elements[-1]
    assert (element.x0, element.x1, element.y) == pytest.approx((60, 70, 200))


def test_two_staves_are_refused() -> None:
    with pytest.raises(InputError, match="more than one staff"):
        read_engraving(_LINES + _LINES.replace("00", "01"))


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find_musescore.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match="apt install musescore3"):
        find_musescore()
    find_musescore.cache_clear()


_FAKE = """#!/bin/sh
# Draws document 0 and dies at document 1.
folder=$(dirname "$5")
if [ ! -e "$folder/0.svg" ]; then echo zero > "$folder/0.svg"; exit 1; fi
echo two > "$folder/2.svg"
"""


def test_what_brings_the_program_down_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "fake"
    program.write_text(_FAKE)
    program.chmod(0o755)
    monkeypatch.setattr(musescore, "find_musescore", lambda: str(program))
    assert run_musescore(["a", "b", "c"]) == ["zero\n", None, "two\n"]


@needs_musescore
def test_pieces_are_drawn_exactly_and_again() -> None:
    rng = np.random.default_rng(8)
    pieces = [compose_tokens(rng) for _ in range(3)]
    pieces.append(["clef-G2", "timeSignature-2/3", "note-C4_half"])
    first = engrave_musescore(pieces, ClutterRates(), np.random.default_rng(1))
    second = engrave_musescore(pieces, ClutterRates(), np.random.default_rng(1))
    assert first[3] is None
    drawn = [piece for piece in first if piece]
    assert drawn
    check_alike(first, second)


@needs_musescore
def test_every_kind_of_sign_is_drawn() -> None:
    text = (
        "clef-C3 keySignature-EbM timeSignature-C/ note-F4_quarter barline "
        "gracenote-G4_eighth note-A4_quarter. note-Bb4_eighth tie note-Bb4_half_fermata repeat-end "
        "clef-G2 keySignature-CM timeSignature-3/4 note-C#5_eighth_3:2 note-D5_eighth_3:2 "
        "note-E5_eighth_3:2 note-C5_half|note-E5_half barline-double multirest-12 barline "
        "rest-whole barline-final"
    )
    quiet = engrave_musescore([text.split()], _QUIET, np.random.default_rng(0))[0]
    assert quiet is not None
    assert sorted(quiet[0]) == sorted(text.split())
