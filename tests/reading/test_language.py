"""The tables of how music goes on."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from omrcli.errors import InputError
from omrcli.reading.alphabet import POSITIONAL_UNITS
from omrcli.reading.language import (
    LANGUAGE_FILE,
    Language,
    place_in_key,
    read_language,
    unit_class,
)
from omrcli.synth.count_music import count_music, enrich_some, main
from omrcli.tokens import Pitch

TUNE = ("clef-G2", "keySignature-FM", *("note-C5_eighth.", "note-B4_sixteenth", "barline") * 4)
START = ("<", "<", "<")


def read(content: bytes) -> Any:
    return json.loads(gzip.decompress(content))


def test_classes_are_a_distribution_after_any_history() -> None:
    language = read_language()
    classes = sorted({unit_class(name) for name in POSITIONAL_UNITS})
    for history in (START, ("note.eighth", "dot", "note.sixteenth"), ("dot3", "dot3", "dot3")):
        whole = sum(math.exp(language.of_class(history, name)) for name in classes)
        assert 0.98 < whole < 1.02


def test_what_follows_often_is_likely() -> None:
    language = read_language()
    dotted = ("note.quarter", "note.eighth", "dot")
    assert language.of_class(dotted, "note.sixteenth") > math.log(0.5)
    assert language.of_class(dotted, "dot") < math.log(0.01)
    assert language.of_class(START, unit_class("clef-C4")) > math.log(0.9)
    assert language.of_move(0, 1) > language.of_move(0, 8)
    assert language.of_accidental(False, 1) > language.of_accidental(True, 1)


def test_place_in_key() -> None:
    assert place_in_key(Pitch("C", 0, 4), 0) == 0
    assert place_in_key(Pitch("F", 1, 4), 0) == 6
    assert place_in_key(Pitch("B", -1, 4), -2) == 0
    assert place_in_key(Pitch("F", 0, 4), 0) == -1


def test_counting_writes_the_same_small_file_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "some.tokens.json.gz"
    corpus.write_bytes(gzip.compress(json.dumps([TUNE] * 20).encode()))
    out = tmp_path / "language.json.gz"
    main([str(corpus), "-o", str(out)])
    first = out.read_bytes()
    main([str(corpus), "-o", str(out), "--held-out", "0.1"])
    assert out.read_bytes() == first
    assert "18 staves" in capsys.readouterr().out
    language = read_language(out)
    assert language.of_accidental(True, 6) == pytest.approx(math.log(0.5))  # B4 natural in F
    assert language.of_move(0, -1) == pytest.approx(math.log(1.0), abs=0.5)


def test_what_cannot_be_spelled_is_left_out() -> None:
    assert not count_music([("clef-G2", "note-C4_quarter_31:17")]).classes


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "language.json.gz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="install omrcli again"):
        read_language(path)
    path.write_bytes(gzip.compress(b'{"format": 0}'))
    with pytest.raises(InputError, match="another version"):
        read_language(path)


def test_the_packaged_file_is_small() -> None:
    assert LANGUAGE_FILE.stat().st_size < 300_000
    assert isinstance(read_language(), Language)


def test_chords_ties_and_grace_notes_are_no_wonder_to_the_packaged_tables() -> None:
    language = read_language()
    before = ("barline", unit_class("note.quarter@3"), unit_class("note.quarter@3"))
    wonder = language.of_class(before, unit_class("note.hundred_twenty_eighth@3"))
    for name in ("chord", "tie", "grace.sixteenth@3"):
        assert language.of_class(before, unit_class(name)) > max(wonder, -8.0), name


def test_a_share_of_the_music_is_enriched() -> None:
    tunes = [tuple(TUNE)] * 200
    assert 20 < sum(tuple(texts) != tunes[0] for texts in enrich_some(tunes, 0.3)) <= 90
    assert list(enrich_some(tunes, 0.0)) == tunes
