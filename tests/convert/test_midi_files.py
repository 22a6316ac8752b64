"""MIDI that becomes notation: rhythm, voices, measures, spelling; and MusicXML that sounds."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.convert.midi_rhythm import Bar, Played, notate
from omrcli.convert.sources import Music, read_music
from omrcli.convert.writers import write_music
from omrcli.formats.midi import score_piece
from omrcli.formats.performance import part_sounds
from omrcli.score.score import ExportOptions
from omrcli.synth.compose import compose_tokens
from tests.convert.test_round_trips import sounding

PLAIN = ExportOptions()
Notes = Sequence[tuple[float, float, int]]


def write(notes: Notes, *others: tuple[float, mido.MetaMessage], ticks: int = 480) -> bytes:
    """A file of one track: start, end and key of notes, and when other messages come."""
    timed = [(at, 0, message) for at, message in others]
    for start, end, key in notes:
        timed.append((start, 2, mido.Message("note_on", note=key, velocity=80)))
        timed.append((end, 1, mido.Message("note_off", note=key)))
    track, now = mido.MidiTrack(), 0
    for at, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=round(at * ticks) - now))
        now = round(at * ticks)
    file, stream = mido.MidiFile(ticks_per_beat=ticks, tracks=[track]), io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


def meter(beats: int, unit: int, at: float = 0) -> tuple[float, mido.MetaMessage]:
    return at, mido.MetaMessage("time_signature", numerator=beats, denominator=unit)


def key(name: str, at: float = 0) -> tuple[float, mido.MetaMessage]:
    return at, mido.MetaMessage("key_signature", key=name)


def read(data: bytes) -> Music:
    return read_music("-", data, "mid")


def line(data: bytes) -> str:
    """The tokens of the only staff, without its first clef."""
    (texts,) = read(data).reading.staves
    return " ".join(texts[1:])


def test_a_long_note_under_a_tune_is_a_voice_of_its_own() -> None:
    tune = [(beat, beat + 1, 67) for beat in range(12)]
    music = read(write([(1, 12, 48), *tune], meter(3, 4)))
    (texts,) = music.reading.staves
    assert texts.count("note-G4_quarter") == 12
    assert texts.count("barline") == 3
    assert music.reading.left_out == ("voice 2 of part 1 (4 notes)",)
    (data,) = write_music(music, "mid", PLAIN)
    assert sorted(number for _, _, number in sounding(data)) == [48] + [67] * 12


def test_a_meter_that_comes_early_ends_the_measure() -> None:
    data = write([(beat, beat + 1, 60) for beat in range(9)], meter(4, 4), meter(3, 4, at=6))
    four = " ".join(["note-C4_quarter"] * 4)
    assert line(data) == (
        f"timeSignature-4/4 {four} barline note-C4_quarter note-C4_quarter barline "
        "timeSignature-3/4 note-C4_quarter note-C4_quarter note-C4_quarter barline-final"
    )


def test_a_first_measure_of_a_shorter_meter_is_an_upbeat() -> None:
    data = write([(beat, beat + 1, 60) for beat in range(4)], meter(1, 4), meter(3, 4, at=1))
    assert line(data).split()[:3] == ["timeSignature-3/4", "note-C4_quarter", "barline"]
    first, *_ = read(data).root.iterfind("part/measure")
    assert (first.get("number"), first.get("implicit")) == ("0", "yes")


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("C", "C C# D Eb E F F# G G# A Bb B"),
        ("Eb", "C Db D Eb E F Gb G Ab A Bb B"),
        ("Am", "C C# D D# E F F# G G# A Bb B"),
        ("E", "B# C# D D# E E# F# G G# A A# B"),
        ("Cb", "C Db Ebb Eb Fb F Gb G Ab Bbb Bb Cb"),
    ],
)
def test_keys_spell_their_pitches(name: str, spelled: str) -> None:
    notes = [(number, number + 1, 60 + number) for number in range(12)]
    texts = [text for text in line(write(notes, key(name))).split() if "note" in text]
    assert [text[5:].split("_")[0].rstrip("0123456789") for text in texts] == spelled.split()
    (data,) = write_music(read(write(notes, key(name))), "mid", PLAIN)
    assert [number for _, _, number in sounding(data)] == [note[2] for note in notes]


@pytest.mark.parametrize("number", [0, 1, 12, 127])
def test_the_lowest_and_highest_notes_keep_their_pitch(number: int) -> None:
    (data,) = write_music(read(write([(0, 4, number)])), "mid", PLAIN)
    assert [found for _, _, found in sounding(data)] == [number]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((0, 0.75, 1, 2), "eighth. sixteenth quarter"),
        ((0, 1 / 3, 2 / 3, 1, 2), "eighth_3:2 eighth_3:2 eighth_3:2 quarter"),
        ((0, 2 / 3, 4 / 3, 2), "quarter_3:2 quarter_3:2 quarter_3:2"),
        ((0, 0.5, 1.5, 2), "eighth quarter eighth"),
        ((0, 0.2, 0.4, 0.6, 0.8, 1, 2), " ".join(["sixteenth_5:4"] * 5) + " quarter"),
        ((0, 0.125, 0.25, 0.5, 2), "thirty_second thirty_second sixteenth quarter."),
        ((0, 1 / 3, 2), "eighth_3:2 quarter_3:2 tie quarter"),
        ((0, 1.25, 2), "quarter tie sixteenth eighth."),
        # As it is played: a little late or early.
        ((0.02, 0.27, 0.49, 0.74, 1.03, 1.98), "sixteenth sixteenth sixteenth sixteenth quarter"),
        ((0.01, 0.35, 0.64, 0.99, 2.01), "eighth_3:2 eighth_3:2 eighth_3:2 quarter"),
    ],
)
def test_rhythm(times: Sequence[float], expected: str) -> None:
    notes = [(start, end, 60) for start, end in pairwise(times)]
    found = line(write(notes, meter(2, 4)))
    assert found.replace("note-C4_", "") == f"timeSignature-2/4 {expected} barline-final"


def test_notes_that_are_never_ended_or_begun_twice_do_not_sound_on() -> None:
    on = mido.Message("note_on", note=60, velocity=64)
    data = write([(2, 3, 64)], (0, on), (0, on), (1, on))
    assert line(data) == (
        "timeSignature-4/4 note-C4_quarter note-C4_quarter note-E4_quarter rest-quarter "
        "barline-final"
    )


def test_names_words_and_tempo_are_kept() -> None:
    title = mido.MetaMessage("track_name", name="Été".encode().decode("latin-1"))
    song = mido.MidiFile(file=io.BytesIO(write([(0, 4, 60)], (0, title))))
    song.tracks[0].insert(1, mido.MetaMessage("lyrics", text="la"))
    tempo = mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(72))
    song.tracks.insert(0, mido.MidiTrack([title.copy(name="Song"), tempo]))
    stream = io.BytesIO()
    song.save(file=stream)
    root = read(stream.getvalue()).root
    assert root.findtext(".//work-title") == "Song" or root.findtext("movement-title") == "Song"
    assert root.findtext(".//part-name") == "Été"
    assert root.findtext(".//lyric/text") == "la"
    assert [sound.get("tempo") for sound in root.iter("sound")] == ["72"]


def test_drums_stand_on_a_staff_of_their_own() -> None:
    drum = mido.Message("note_on", channel=9, note=38, velocity=64)
    music = read(write([(0, 4, 60)], (0, drum), (1, drum.copy(velocity=0))))
    assert [clef.text for clef in music.root.iterfind(".//clef/sign")] == ["G", "percussion"]
    assert music.root.findtext(".//unpitched/display-step") == "C"
    assert len(music.reading.staves) == 1


def test_what_is_composed_sounds_as_before() -> None:
    """Music of random rhythms; some are on no grid of a beat, such as five and three in one."""
    rng = np.random.default_rng(3)
    sounds: list[list[list[tuple[int, Fraction, Fraction]]]] = []

    def heard(music: Music) -> list[tuple[int, Fraction, Fraction]]:
        piece = score_piece(music.score, PLAIN)
        played = part_sounds(piece.bars, piece.parts[0])
        return [(sound.key, sound.start, sound.end) for sound in played]

    for _ in range(40):
        texts = [text for text in compose_tokens(rng) if not text.startswith("grace")]
        before = read_music("-", "\t".join(texts).encode(), "semantic")
        if not heard(before):
            continue
        (data,) = write_music(before, "mid", PLAIN)
        (found,) = read(data).reading.staves
        after = read_music("-", "\t".join(found).encode(), "semantic")
        sounds.append([heard(before), heard(after)])
    equal = sum(old == new for old, new in sounds)
    assert equal >= 0.85 * len(sounds) > 30


@given(
    notes=st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 1500), st.integers(0, 127)), min_size=1
    ),
    bars=st.lists(st.sampled_from([Fraction(n, 4) for n in range(1, 25)]), min_size=30),
)
def test_measures_are_full_whatever_is_played(notes: Notes, bars: list[Fraction]) -> None:
    tick = Fraction(1, 480)
    played = [Played(number, start * tick, (start + length) * tick)
              for start, length, number in notes]  # fmt: skip
    places = [Bar(sum(bars[:place], Fraction(0)), length) for place, length in enumerate(bars)]
    written = notate(played, places, tick)
    for bar, voices in zip(places, written, strict=True):
        assert len(voices) <= 4
        for voice in voices:
            now = Fraction(0)
            for item in voice:
                assert item.onset == now
                assert item.length > 0
                now += item.length
            assert now == bar.length
    starts = [item for voices in written for voice in voices for item in voice
              if item.keys and not item.stops_tie]  # fmt: skip
    assert {number for item in starts for number in item.keys} == {note.key for note in played}


def test_random_bytes_of_messages_are_read_or_refused() -> None:
    dice = random.Random(1)
    for _ in range(40):
        notes = [(dice.random() * 9, dice.random() * 20, dice.randrange(128)) for _ in range(9)]
        meters = [meter(dice.randrange(1, 99), 2 ** dice.randrange(7), dice.random() * 9)]
        notes = [(min(a, b), max(a, b), number) for a, b, number in notes]
        assert read(write(notes, *meters, ticks=dice.choice((1, 7, 96, 480)))).root is not None


# --- MusicXML as it sounds ------------------------------------------------------------------------


def sounded(measures: str) -> list[tuple[int, int]]:
    """Start in quarter notes and key of each note of a part in 4/4."""
    begin = "<attributes><divisions>1</divisions></attributes>"
    text = (
        '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name/></score-part>'
        f'</part-list><part id="P1">{measures.replace("BEGIN", begin)}</part></score-partwise>'
    )
    (data,) = write_music(read_music("-", text.encode(), "musicxml"), "mid", PLAIN)
    ticks = mido.MidiFile(file=io.BytesIO(data)).ticks_per_beat
    file = mido.MidiFile(file=io.BytesIO(data))
    for track in file.tracks:
        hanging = set()
        for message in track:
            if message.type == "note_on" and message.velocity:
                hanging.add(message.note)
            elif message.type in ("note_on", "note_off"):
                hanging.discard(message.note)
        assert not hanging
    return sorted({(start // ticks, number) for _, start, number in sounding(data)})


WHOLE = (
    "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>4</duration>"
    "<type>whole</type></note>"
)


def test_chord_symbols_do_not_sound() -> None:
    symbol = "<harmony><root><root-step>G</root-step></root><kind>major</kind></harmony>"
    found = sounded(
        f'<measure number="1">BEGIN{symbol}{WHOLE.format("C")}</measure>'
        f'<measure number="2">{symbol}{WHOLE.format("D")}</measure>'
    )
    assert found == [(0, 60), (4, 62)]


def test_jumps_that_lead_nowhere_are_passed() -> None:
    jump = (
        "<direction><direction-type><words>D.S. al Coda</words></direction-type></direction>"
        '<sound dalsegno="segno"/>'
    )
    found = sounded(
        f'<measure number="1">BEGIN{WHOLE.format("C")}</measure>'
        f'<measure number="2">{WHOLE.format("D")}{jump}</measure>'
    )
    assert found == [(0, 60), (4, 62)]


def test_repeats_are_played() -> None:
    right = '<barline location="right"><repeat direction="backward"/></barline>'
    found = sounded(f'<measure number="1">BEGIN{WHOLE.format("C")}{right}</measure>')
    assert found == [(0, 60), (4, 60)]
