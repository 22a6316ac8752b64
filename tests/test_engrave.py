"""Engraving with Verovio, and importing through it."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
import zipfile

import pytest

from omrcli import engrave as engrave_module
from omrcli.engrave import FONTS, engrave, load_as_mei
from omrcli.errors import ExitCode, InputError, MissingDependencyError

MEI = (
    '<mei xmlns="http://www.music-encoding.org/ns/mei"><music><body><mdiv><score><scoreDef>'
    '<staffGrp><staffDef n="1" lines="5" clef.shape="G" clef.line="2"/></staffGrp></scoreDef>'
    '<section><measure><staff n="1"><layer n="1"><note dur="4" pname="c" oct="5"/></layer>'
    "</staff></measure></section></score></mdiv></body></music></mei>"
)
MUSICXML = (
    '<score-partwise><part-list><score-part id="P1"><part-name/></score-part></part-list>'
    '<part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes>'
    "<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration>"
    "<type>whole</type></note></measure></part></score-partwise>"
)
IMPORTS = {
    "musicxml": MUSICXML,
    "humdrum": "**kern\n*clefG2\n1cc\n*-\n",
    "abc": "X:1\nL:1/4\nK:C\nc4|\n",
    "pae": "@clef:G-2\n@keysig:\n@timesig:\n@data:1''C\n",
    "mei": MEI.replace('dur="4"', 'dur="1"'),
}


@pytest.fixture(autouse=True)
def _needs_verovio(request: pytest.FixtureRequest) -> None:
    if "without_verovio" not in request.fixturenames:
        pytest.importorskip("verovio")


@pytest.fixture
def without_verovio(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        if name == "verovio":
            raise ImportError(name)
        return known(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    engrave_module._verovio.cache_clear()
    engrave_module._toolkit.cache_clear()


@pytest.mark.parametrize("name", IMPORTS)
def test_every_format_becomes_mei(name: str) -> None:
    mei = load_as_mei(IMPORTS[name], name)
    assert 'pname="c"' in mei
    assert 'oct="5"' in mei
    assert 'dur="1"' in mei


def test_compressed_musicxml_becomes_mei() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>',
        )
        archive.writestr("a.xml", MUSICXML)
    assert 'pname="c"' in load_as_mei(packed.getvalue(), "mxl")


def test_an_import_leaves_the_next_one_alone() -> None:
    first = load_as_mei(IMPORTS["pae"], "pae")
    load_as_mei(IMPORTS["abc"], "abc")
    assert load_as_mei(IMPORTS["pae"], "pae") == first


@pytest.mark.parametrize("name", ["mei", "midi"])
def test_what_cannot_be_read_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError):
        load_as_mei("<nothing", name)


def test_what_cannot_be_engraved_is_an_input_error() -> None:
    with pytest.raises(InputError, match="cannot engrave"):
        engrave("<mei")


def test_fonts_differ_and_each_repeats_itself() -> None:
    drawn = {font: engrave(MEI, font) for font in FONTS}
    assert len(set(drawn.values())) == len(FONTS)
    assert {font: engrave(MEI, font) for font in FONTS} == drawn


def test_another_process_engraves_the_same_text() -> None:
    code = "import sys; from omrcli.engrave import engrave; print(engrave(sys.argv[1]), end='')"
    other = subprocess.run(
        [sys.executable, "-c", code, MEI], capture_output=True, check=True, encoding="utf-8"
    )
    assert other.stdout == engrave(MEI)


@pytest.mark.usefixtures("without_verovio")
def test_without_verovio_the_install_line_is_given() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'omrcli\[synth\]'") as failure:
        engrave(MEI)
    assert failure.value.exit_code == ExitCode.DEPENDENCY
    engrave_module._verovio.cache_clear()


def test_options_of_one_call_do_not_reach_the_next() -> None:
    plain = engrave(MEI)
    assert engrave(MEI, options={"staffLineWidth": 0.3, "spacingLinear": 0.4}) != plain
    assert engrave(MEI) == plain
