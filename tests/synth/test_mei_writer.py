"""Tokens written as MEI, and read back from it."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from omrcli.errors import InputError, TokenError
from omrcli.synth.clutter import Clutter
from omrcli.synth.compose import compose_tokens
from omrcli.synth.mei import read_mei
from omrcli.synth.mei_writer import MeiOptions, write_mei


def layers(texts: str, **options: object) -> list[str]:
    mei = write_mei(texts.split(), MeiOptions(**options))  # type: ignore[arg-type]
    return re.findall(r'<layer n="1">(.*?)</layer>', mei)


@pytest.mark.parametrize(
    "texts",
    [
        "clef-C1 keySignature-EbM timeSignature-2/4 multirest-23 barline"
        " rest-quarter note-Bb4_quarter",
        "clef-G2 note-F#4_half._fermata tie barline note-F#4_eighth.. rest-sixteenth_fermata",
        "clef-F4_8vb timeSignature-C note-C3_eighth_3:2 rest-eighth_3:2"
        " note-Bbb2_eighth_3:2 barline-final",
        "clef-G2 keySignature-DM timeSignature-24/16 gracenote-C#5_eighth"
        " note-D5_quadruple_whole barline-double",
        "clef-G1 timeSignature-C/ repeat-start note-B4_double_whole"
        " repeat-both rest-whole repeat-end",
        "clef-G2 keySignature-F#M note-E#5_quarter barline keySignature-BbM"
        " note-Bb4_quarter clef-C4 barline",
    ],
)
def test_what_is_written_reads_back(texts: str) -> None:
    (part,) = read_mei(write_mei(texts.split(), MeiOptions(cancel_keys=False)))
    assert [" ".join(sequence) for sequence in part.sequences] == [texts]


def test_random_music_reads_back_but_for_chords_and_naturals() -> None:
    compared = 0
    for seed in range(60):
        texts = compose_tokens(np.random.default_rng(seed))
        if any("|" in text for text in texts) or "keySignature-CM" in texts:
            continue
        (part,) = read_mei(write_mei(texts))
        read = [text for sequence in part.sequences for text in sequence]
        # Between two signs stands a measure without a barline, at which a change may be repeated.
        assert [t for t in read if t[0] in "nrgm"] == [t for t in texts if t[0] in "nrgm"]
        compared += 1
    assert compared > 20


def test_accidentals_are_drawn_where_the_measure_needs_them() -> None:
    (first, second) = layers(
        "clef-G2 keySignature-GM note-F#4_quarter note-F4_quarter note-F4_quarter note-F#4_quarter"
        " barline note-F4_quarter"
    )
    assert re.findall(r'accid(?:\.ges)?="\w+"', first) == [
        'accid.ges="s"',
        'accid="n"',
        'accid="s"',
    ]
    assert 'accid="n"' in second


def test_signs_that_change_together_keep_their_order() -> None:
    found = layers("clef-G2 note-C5_whole barline timeSignature-3/4 clef-C3 multirest-4 barline")
    assert [re.match(r"<(\w+)", layer)[1] for layer in found] == [  # type: ignore[index]
        "note", "meterSig", "clef", "multiRest",
    ]  # fmt: skip


def test_a_cancelled_key_is_spelled_in_naturals() -> None:
    (_, second) = layers(
        "clef-F4 keySignature-DM note-D3_whole barline keySignature-CM note-C3_whole"
    )
    assert second.count('<keyAccid accid="n"') == 2
    assert 'loc="6"' in second  # F3 under a bass clef
    (_, second) = layers(
        "clef-G2 keySignature-DM note-D5_whole barline keySignature-FM note-F4_whole",
        cancel_keys=True,
    )
    assert re.findall(r'accid="(\w)" loc="(\d)"', second) == [("n", "8"), ("n", "5"), ("f", "4")]


def test_a_whole_rest_is_centred_only_when_alone() -> None:
    assert "<mRest" in layers("clef-G2 rest-whole barline")[0]
    assert "<mRest" not in layers("clef-G2 rest-whole note-C5_quarter barline")[0]
    assert "<mRest" not in layers("clef-G2 rest-whole barline", centre_rests=False)[0]


@pytest.mark.parametrize(
    "texts",
    [
        "note-C5_quarter",
        "clef-G2 keySignature-CM note-C5_quarter",
        "clef-G2 note-C5_quarter barline keySignature-CM note-C5_quarter",
        "clef-G2 note-C5_quarter tie",
        "clef-G2 note-C5_quarter tie rest-quarter",
        "clef-G2 note-C5_quarter tie note-D5_quarter",
        "clef-G2 note-C5_quarter multirest-4",
        "clef-G2 note-C5_quarter barline barline",
        "clef-G2 tie note-C5_quarter",
    ],
)
def test_what_cannot_be_drawn_is_refused(texts: str) -> None:
    with pytest.raises(InputError):
        write_mei(texts.split())


def test_a_text_that_is_no_token_is_refused() -> None:
    with pytest.raises(TokenError):
        write_mei(["clef-G2", "note-H4_quarter"])


def test_clutter_changes_no_note() -> None:
    everything = Clutter(
        slurs=0.5, articulations=0.5, dynamics=0.3, hairpins=0.3, ornaments=0.3, words=0.3,
        lyrics=0.9, chords=0.3, fingerings=0.3, breaths=0.2, tempo=True, seed=1,
    )  # fmt: skip
    rng = random.Random(0)
    texts = ["clef-G2", "timeSignature-4/4"]
    for _ in range(6):
        texts += [f"note-{rng.choice('CDEFGAB')}{rng.choice('45')}_quarter" for _ in range(4)]
        texts.append("barline")
    mei = write_mei(texts, MeiOptions(clutter=everything))
    for name in ("slur", "dynam", "hairpin", "verse", "harm", "fing", "tempo"):
        assert f"<{name} " in mei, name
    assert read_mei(mei)[0].sequences == [texts]


def test_no_slur_can_be_taken_for_a_tie() -> None:
    texts = ["clef-G2"] + ["note-C5_quarter"] * 40
    mei = write_mei(texts, MeiOptions(clutter=Clutter(slurs=1.0, seed=3)))
    spans = re.findall(r'<slur startid="#n(\d+)" endid="#n(\d+)"', mei)
    assert spans
    assert all(int(end) - int(start) > 1 for start, end in spans)
