"""Staves drawn by LilyPond, where it is installed, its source and the reading of its SVG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from omrcli.errors import InputError, MissingDependencyError
from omrcli.synth import lilypond
from omrcli.synth.clutter import ClutterRates
from omrcli.synth.compose import compose_tokens
from omrcli.synth.lilypond import engrave_lilypond, find_lilypond, run_lilypond
from omrcli.synth.lilypond_svg import read_engraving
from omrcli.synth.lilypond_writer import LilypondOptions, write_lilypond
from omrcli.synth.markup import Marks, Markup, Span
from omrcli.synth.proof import check_engraving
from omrcli.tokens import parse_symbol
from tests.synth.drawings import check_alike


def _installed() -> bool:
    try:
        find_lilypond()
    except MissingDependencyError:
        return False
    return True


needs_lilypond = pytest.mark.skipif(not _installed(), reason="LilyPond is not installed")
_QUIET = ClutterRates(share=0)


def _write(text: str, options: LilypondOptions | None = None) -> str:
    return write_lilypond([parse_symbol(token) for token in text.split()], options)


def test_just_the_accidentals_that_must_be_seen_are_forced() -> None:
    source = _write("clef-G2 keySignature-GM note-F#4_quarter note-F4_quarter note-F4_half")
    assert "fis'4 f'!4 f'2" in source
    assert "\\key g \\major" in source


def test_measures_are_told_how_long_they_are() -> None:
    source = _write("clef-F4 timeSignature-C note-Bb2_half barline-double note-C##3_eighth.")
    assert '#(ly:make-moment 1/2) bes,!2\n\\bar "||"' in source
    assert "#(ly:make-moment 19/16)" in source  # longer than it is: no barline ends it
    assert "cisis!8." in source


def test_tuplets_chords_ties_and_graces_are_written() -> None:
    source = _write(
        "clef-C3 note-C4_eighth_3:2 rest-eighth_3:2 note-E4_eighth_3:2 gracenote-G4_sixteenth "
        "note-C4_half|note-E4_half tie note-E4_breve".replace("breve", "double_whole")
    )
    assert "\\tuplet 3/2 { c'8 r8 e'8 }" in source
    assert "\\grace { g'16 } <c' e'>2~ e'\\breve" in source


def test_a_grace_note_before_a_barline_follows_its_note() -> None:
    assert "\\afterGrace c'4 { d'8 }" in _write(
        "clef-G2 note-C4_quarter gracenote-D4_eighth barline"
    )


def test_marks_are_written() -> None:
    marks = {1: Marks(articulations=("staccato",), dynamic="p", words='a "b"', syllable="la-"),
             2: Marks(chord="Bbm", fingering=3)}  # fmt: skip
    markup = Markup(marks, (Span("slur", 1, 2),))
    source = _write("clef-G2 note-C4_quarter note-D4_quarter", LilypondOptions(markup=markup))
    assert "c'4(-.\\p" in source
    assert '"a \\"b\\""' in source
    assert "<d'-3>4)" in source
    assert '"B" \\smaller \\smaller \\flat "m"' in source
    assert '\\lyricmode { "la"4 -- \\skip 4 }' in source


@pytest.mark.parametrize(
    "text",
    [
        "note-C4_quarter",
        "clef-G3 note-C4_quarter",
        "clef-G2 keySignature-CM note-C4_quarter",
        "clef-G2 note-C4_quarter tie note-D4_quarter",
        "clef-G2 note-C4_quarter tie gracenote-C4_eighth note-C4_quarter",
        "clef-G2 rest-quarter multirest-3 barline",
    ],
)
def test_what_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        _write(text)


def _group(kind: str, name: str, x: float, y: float, shape: str) -> str:
    place = f'transform="translate({x}, {y})"'
    return f'<g class="{kind}" data-name="{name}"><g {place}>{shape}</g></g>'


_BLOB = '<path transform="scale(0.004, -0.004)" d="M0 100h300v-200h-300z"/>'
_LINES = "".join(
    _group("StaffSymbol", "", 0, y, '<line stroke-width="0.1" x1="0" y1="0" x2="40" y2="0"/>')
    for y in range(10, 15)
)
_CLEF = _group("Clef", "clefs.G", 1, 13, _BLOB)
_BAR = '<rect x="0" y="-2" width="0.2" height="4"/>'
_EIGHTH = _group("NoteHead", "2", 8, 14, _BLOB) + _group("Flag", "flags.u3", 9, 11, _BLOB)


def _check(body: str, text: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    check_engraving(read_engraving(svg), [parse_symbol(token) for token in text.split()])


def test_what_shows_its_tokens_passes() -> None:
    sharp = _group("Accidental", "accidentals.sharp", 7, 14, _BLOB)
    barline = _group("BarLine", "|", 12, 12, _BAR)
    _check(_LINES + _CLEF + sharp + _EIGHTH + barline, "clef-G2 note-E#4_eighth barline")
    low = _group("ClefModifier", "", 1, 16, _BLOB)
    _check(_LINES + _CLEF + low, "clef-G2_8vb")


@pytest.mark.parametrize(
    ("body", "text", "found"),
    [
        (_EIGHTH, "clef-G2 note-F4_eighth", "another height"),
        (_EIGHTH, "clef-G2 note-E4_sixteenth", "Flag of 1 instead of 2"),
        (_EIGHTH, "clef-G2 note-E4_quarter", "Flag too many"),
        (_EIGHTH, "clef-G1 note-G4_eighth", "Clef of clef-G2"),
        (_EIGHTH, "clef-G2_8va note-E5_eighth", "Clef of clef-G2"),
        (_group("NoteHead", "1", 8, 14, _BLOB), "clef-G2 note-E4_whole", "Note of half"),
        (
            _group("Accidental", "accidentals.flat", 7, 14, _BLOB) + _EIGHTH,
            "clef-G2 note-E#4_eighth",
            "Accidental of f",
        ),
        (
            _group("Accidental", "accidentals.sharp", 7, 13, _BLOB) + _EIGHTH,
            "clef-G2 note-E#4_eighth",
            "an accidental at another height",
        ),
        (
            _group("Accidental", "accidentals.sharp", 9, 14, _BLOB) + _EIGHTH,
            "clef-G2 note-E#4_eighth",
            "an accidental at another place",
        ),
    ],
)
def test_what_does_not_show_its_tokens_is_refused(body: str, text: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        _check(_LINES + _CLEF + body, text)


@pytest.mark.parametrize("body", ["", _LINES + _LINES, '<g transform="rotate(3)"></g>', "<blob/>"])
def test_what_is_not_one_plain_staff_is_refused(body: str) -> None:
    with pytest.raises(InputError):
        _check(body, "clef-G2")


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find_lilypond.cache_clear()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("OMR_LILYPOND", "nowhere")
    monkeypatch.setattr(lilypond, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install lilypond"):
        find_lilypond()
    find_lilypond.cache_clear()


_FAKE = """#!/bin/sh
# Draws score 0 and dies at score 1.
if [ ! -e 0.svg ]; then echo zero > 0.svg; kill -9 $$; fi
echo two > 2.svg
"""


def test_what_brings_the_program_down_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "fake"
    program.write_text(_FAKE)
    program.chmod(0o755)
    monkeypatch.setattr(lilypond, "find_lilypond", lambda: str(program))
    assert run_lilypond(["a", "b", "c"]) == ["zero\n", None, "two\n"]


@needs_lilypond
def test_pieces_are_drawn_exactly_and_again() -> None:
    pytest.importorskip("matplotlib")  # its fonts
    rng = np.random.default_rng(8)
    pieces = [compose_tokens(rng) for _ in range(3)]
    pieces.append(["clef-G3", "note-C4_half"])
    first = engrave_lilypond(pieces, ClutterRates(), np.random.default_rng(1))
    second = engrave_lilypond(pieces, ClutterRates(), np.random.default_rng(1))
    assert first[3] is None
    assert any(first)
    check_alike(first, second)


@needs_lilypond
def test_every_kind_of_sign_is_drawn() -> None:
    text = (
        "clef-C3 keySignature-EbM timeSignature-C/ note-F4_quarter barline "
        "gracenote-G4_eighth note-A4_quarter. note-Bb4_eighth tie note-Bb4_half_fermata repeat-end "
        "clef-G2_8vb keySignature-CM timeSignature-3/4 note-C#4_eighth_3:2 note-D4_eighth_3:2 "
        "note-E4_eighth_3:2 note-C4_half|note-E4_half barline-double multirest-12 barline "
        "rest-whole repeat-both note-C4_quadruple_whole note-F##4_hundred_twenty_eighth "
        "gracenote-D4_sixteenth barline-final"
    )
    quiet = engrave_lilypond([text.split()], _QUIET, np.random.default_rng(0))[0]
    assert quiet is not None
    assert sorted(quiet[0]) == sorted(text.split())
