"""Tokens through MusicXML and back, over the whole vocabulary; MIDI as it sounds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import get_args

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.convert.sources import Music, read_music
from omrcli.convert.writers import write_music
from omrcli.errors import InputError
from omrcli.score.score import ExportOptions
from omrcli.tokens import (
    BARLINE_KINDS,
    DURATIONS,
    KEY_NAMES,
    Barline,
    Clef,
    Duration,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Pitch,
    Rest,
    Slash,
    Symbol,
    parse_symbol,
)

PLAIN = ExportOptions()
CLEFS = [Clef(s, n, o) for s in "GFC" for n in range(1, 6) for o in range(-2, 3)]
KEYS = [f"keySignature-{name}" for name in KEY_NAMES.values()]
TIMES = st.one_of(
    st.sampled_from(["C", "C/"]),
    st.builds(lambda beats, unit: f"{beats}/{unit}", st.integers(1, 999), st.integers(1, 999)),
).map("timeSignature-{}".format)

tuplets = st.one_of(st.none(), st.tuples(st.integers(1, 99), st.integers(1, 99)))
durations = st.builds(Duration, st.sampled_from(list(DURATIONS)), st.integers(0, 3), tuplets)
pitches = st.builds(Pitch, st.sampled_from("CDEFGAB"), st.integers(-2, 2), st.integers(0, 9))
chords = st.lists(pitches, min_size=1, max_size=4, unique_by=lambda p: p.diatonic).map(
    lambda found: tuple(sorted(found, key=lambda pitch: pitch.diatonic))
)
notes = st.builds(Note, chords, durations, st.just(False), st.booleans())
graces = st.builds(Note, chords, durations, st.just(True), st.booleans())
rests = st.builds(Rest, durations, st.booleans())


@st.composite
def events(draw: st.DrawFn) -> list[str]:
    """Grace notes with their note, a tied pair, or a rest."""
    if draw(st.integers(0, 3)) == 0:
        return [str(draw(rests))]
    texts = [str(grace) for grace in draw(st.lists(graces, max_size=2))]
    note = draw(notes)
    texts.append(str(note))
    if draw(st.booleans()):
        texts += ["tie", str(Note(note.pitches, draw(durations)))]
    return texts


@st.composite
def measures(draw: st.DrawFn, now: dict[str, str]) -> list[str]:
    """What stands between two barlines: a multirest, or events and changes of clef, of key and of
    time between them."""
    if draw(st.integers(0, 7)) == 0:
        return [str(Multirest(draw(st.integers(2, 120))))]
    texts = []
    for number in range(draw(st.integers(1, 4))):
        texts += draw(events())
        if number and draw(st.integers(0, 5)) == 0:
            texts += [*draw(changes(now)), *draw(events())]
    return texts


@st.composite
def changes(draw: st.DrawFn, now: dict[str, str]) -> list[str]:
    """New signs, in the order in which they are drawn; none that restates what is in force."""
    found = []
    choices = {
        "clef": st.sampled_from(CLEFS).map(str),
        "keySignature": st.sampled_from(KEYS),
        "timeSignature": TIMES,
    }
    for kind, choice in choices.items():
        text = draw(choice) if draw(st.booleans()) else now[kind]
        if text != now[kind]:
            now[kind] = text
            found.append(text)
    return found


@st.composite
def staves(draw: st.DrawFn, barlines: list[str] | None = None) -> list[str]:
    """A part; with `barlines` it has as many measures, and these at their ends."""
    now = {"clef": "", "keySignature": "keySignature-CM", "timeSignature": ""}
    texts = [str(draw(st.sampled_from(CLEFS)))]
    now["clef"] = texts[0]
    texts += [text for text in draw(changes(now)) if not text.startswith("clef")]
    now["clef"] = texts[0]
    if barlines is None:
        if draw(st.integers(0, 5)) == 0:
            texts.append("repeat-start")
        kinds = [parse_symbol(text) for text in _BARLINES]
        barlines = [str(draw(st.sampled_from(kinds))) for _ in range(draw(st.integers(0, 3)))]
        barlines.append(draw(st.sampled_from(["barline", "barline-final", "repeat-end", ""])))
    for barline in barlines:
        texts += [*draw(measures(now)), barline]
        if barline != barlines[-1]:
            texts += draw(changes(now))
    return [text for text in texts if text]


_BARLINES = ["barline", "barline-double", "barline-final", "repeat-start", "repeat-end",
             "repeat-both"]  # fmt: skip


def through(lines: list[list[str]], format: str) -> tuple[tuple[str, ...], ...]:
    """The lines written as .semantic, converted, and read again."""
    music = read_music("-", "\n".join(map("\t".join, lines)).encode(), "semantic")
    (document,) = write_music(music, format, PLAIN)
    (text,) = write_music(read_music("-", document, format), "semantic", PLAIN)
    return tuple(tuple(line.split("\t")) for line in text.decode().splitlines())


@settings(max_examples=50, deadline=None)
@given(texts=staves(), format=st.sampled_from(["musicxml", "mxl"]))
def test_one_part_comes_back_as_it_was(texts, format):
    assert through([texts], format) == (tuple(texts),)


def test_every_kind_of_token_comes_back():
    line = "\t".join(
        [
            "clef-G2_8vb keySignature-C#M timeSignature-C/ repeat-start gracenote-A5_sixteenth",
            "gracenote-C4_eighth|gracenote-E4_eighth note-Bbb4_quarter._fermata tie",
            "note-Bbb4_eighth_3:2 rest-eighth_3:2 note-F##5_eighth_3:2",
            "rest-quadruple_whole_fermata",
            "clef-C5 keySignature-CM timeSignature-2/48 note-C0_hundred_twenty_eighth... barline",
            "multirest-417 barline-double note-G3_eighth|note-D4_eighth repeat-both rest-whole",
            "barline-final rest-double_whole repeat-end keySignature-CbM note-B9_sixty_fourth",
        ]
    ).split()
    symbols = [parse_symbol(text) for text in line]
    # A score holds what these signs stand for, not the signs.
    signs = {PercussionClef, MeasureRepeat, Slash}
    assert {type(symbol) for symbol in symbols} == set(get_args(Symbol)) - signs
    assert {s.kind for s in symbols if isinstance(s, Barline)} == set(BARLINE_KINDS)
    assert through([line], "musicxml") == (tuple(line),)


@st.composite
def duets(draw: st.DrawFn) -> list[list[str]]:
    """Parts with the same barlines and meters, whose measures are full."""
    number = draw(st.integers(2, 4))
    meter = draw(st.sampled_from(["3/4", "C", "6/8", "2/2"]))
    length = {"3/4": ["quarter"] * 3, "C": ["quarter"] * 4, "6/8": ["quarter."] * 2,
              "2/2": ["half"] * 2}[meter]  # fmt: skip
    barlines = draw(st.lists(st.sampled_from(["barline", "repeat-end"]), min_size=1, max_size=4))
    parts = []
    for _ in range(number):
        texts = [str(draw(st.sampled_from(CLEFS)))]
        key = draw(st.sampled_from([k for k in KEYS if k != "keySignature-CM"]))
        texts += [key, f"timeSignature-{meter}"]
        for barline in barlines:
            if draw(st.integers(0, 4)) == 0:
                texts += ["rest-whole", barline]
                continue
            for base in length:
                value = Duration(base.rstrip("."), base.count("."))
                texts += [str(g) for g in draw(st.lists(graces, max_size=1))]
                texts.append(str(Note(draw(chords), value)))
            texts.append(barline)
        parts.append(texts)
    return parts


@settings(max_examples=25, deadline=None)
@given(parts=duets(), format=st.sampled_from(["musicxml", "mxl"]))
def test_several_parts_come_back_as_they_were(parts, format):
    assert through(parts, format) == tuple(map(tuple, parts))


@settings(max_examples=25, deadline=None)
@given(lines=st.lists(staves(), min_size=2, max_size=3))
def test_parts_that_do_not_fit_are_still_as_many(lines):
    assert len(through(lines, "musicxml")) == len(lines)


def sounding(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Track, start in ticks and key of each note of a MIDI file."""
    for number, track in enumerate(mido.MidiFile(file=io.BytesIO(data)).tracks):
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                yield number, now, message.note


@settings(max_examples=40, deadline=None)
@given(texts=staves())
def test_midi_has_every_note_that_begins(texts):
    texts = ["barline" if text.startswith("repeat") else text for text in texts]
    music = read_music("-", "\t".join(texts).encode(), "semantic")
    (data,) = write_music(music, "mid", PLAIN)
    expected = []
    tied: set[Pitch] = set()
    for place, text in enumerate(texts):
        symbol = parse_symbol(text)
        if isinstance(symbol, Note):
            expected += [p.midi for p in symbol.pitches if p not in tied or symbol.grace]
            if not symbol.grace:
                tied = set(symbol.pitches) if texts[place + 1 : place + 2] == ["tie"] else set()
        elif isinstance(symbol, (Rest, Multirest)):
            tied = set()
    expected = [key for key in expected if 0 <= key <= 127]
    assert sorted(key for _, _, key in sounding(data)) == sorted(expected)


def test_parts_sound_together():
    lines = ["clef-G2 timeSignature-2/4 note-C4_half barline note-D4_half barline",
             "clef-F4 timeSignature-2/4 note-C3_half barline note-D3_half barline"]  # fmt: skip
    music = read_music("-", "\n".join(lines).encode(), "semantic")
    (data,) = write_music(music, "mid", PLAIN)
    found = list(sounding(data))
    assert [(start, key) for track, start, key in found if track == 1] == [(0, 60), (1920, 62)]
    assert [(start, key) for track, start, key in found if track == 2] == [(0, 48), (1920, 50)]


def test_a_multirest_of_one_measure_is_a_whole_rest_in_musicxml():
    assert through([["clef-G2", "timeSignature-3/4", "multirest-1", "barline"]], "mxl") == (
        ("clef-G2", "timeSignature-3/4", "rest-whole", "barline"),
    )


@pytest.mark.parametrize("format", ["musicxml", "mxl", "semantic"])
def test_two_conversions_write_the_same_bytes(format):
    data = b"clef-G2\tnote-C4_whole\tbarline\nclef-F4\tnote-C3_whole\tbarline\n"
    first, second = (write_music(read_music("-", data), format, PLAIN) for _ in range(2))
    assert first == second
    assert isinstance(read_music("-", data), Music)


@pytest.mark.parametrize("format", ["mei", "krn"])
def test_mei_and_humdrum_come_back_with_the_same_notes(format):
    pytest.importorskip("verovio")
    lines = [
        "clef-G2 keySignature-DM timeSignature-3/4 note-G4_quarter note-A4_quarter note-B4_eighth. "
        "note-C5_sixteenth barline note-C#5_half tie note-C#5_eighth_3:2 note-A4_eighth_3:2 "
        "note-Bb4_eighth_3:2 repeat-end gracenote-C5_eighth note-D5_quarter "
        "note-B4_quarter|note-D5_quarter rest-quarter barline note-A5_half. barline-final",
        "clef-F4 keySignature-DM timeSignature-3/4 note-G3_half. barline rest-whole repeat-end "
        "note-D3_half. barline note-F#3_half. barline-final",
    ]
    data = "\n".join("\t".join(line.split()) for line in lines).encode()
    before = read_music("-", data, "semantic")
    (text,) = write_music(before, format, PLAIN)
    after = read_music("-", text)
    assert after.format == format
    assert read_music(f"x.{format}", text).format == format
    assert [music_notes(line) for line in after.reading.staves] == list(map(music_notes, lines))
    (played,), (again,) = (write_music(music, "mid", PLAIN) for music in (before, after))
    assert sorted(sounding(played)) == sorted(sounding(again))


def music_notes(line):
    """The notes of a line of tokens, as text or as texts."""
    texts = line.split() if isinstance(line, str) else line
    return [text for text in texts if "note-" in text or text == "tie"]


@pytest.mark.parametrize(
    ("format", "data"), [("mei", b"<mei/>"), ("krn", b"a tune"), ("krn", b"\xff")]
)
def test_what_is_no_mei_or_humdrum_is_refused(format, data):
    pytest.importorskip("verovio")
    with pytest.raises(InputError, match=f"x.{format}"):
        read_music(f"x.{format}", data)
