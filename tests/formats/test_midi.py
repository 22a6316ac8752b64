"""MIDI: pitches, onsets and durations as they sound, and the events around them."""

from __future__ import annotations

import io
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings

from omrcli.errors import UsageError
from omrcli.formats.midi import TICKS, midi_bytes, part_sounds
from omrcli.score.score import ExportOptions, build_score
from omrcli.tokens import Token
from tests.scores import anything, score, sequences

START = "clef-G2 timeSignature-4/4"


def sounds(*staves: str) -> list[tuple[int, Fraction, Fraction]]:
    made = score(*staves).parts[0]
    return [(sound.key, sound.start, sound.end) for sound in part_sounds(made)]


def conductor(text: str, options: ExportOptions | None = None) -> list[tuple[int, str, object]]:
    track = mido.MidiFile(file=io.BytesIO(midi_bytes(score(text), options))).tracks[0]
    now, found = 0, []
    for message in track:
        now += message.time
        if message.type == "set_tempo":
            found.append((now, "tempo", mido.tempo2bpm(message.tempo)))
        elif message.type == "time_signature":
            found.append((now, "time", f"{message.numerator}/{message.denominator}"))
        elif message.type == "key_signature":
            found.append((now, "key", message.key))
    return found


def test_notes_have_pitch_onset_and_duration():
    assert sounds(
        f"{START} C4_quarter. F#5_eighth rest-quarter note-Bb3_quarter|note-D4_quarter"
    ) == [
        (60, 0, 1.5),
        (78, 1.5, 2),
        (58, 3, 4),
        (62, 3, 4),
    ]


def test_ties_are_joined_over_barlines_and_staves():
    assert sounds(f"{START} C4_whole tie barline", "clef-G2 C4_half tie C4_quarter D4_quarter") == [
        (60, 0, 7),
        (62, 7, 8),
    ]


def test_grace_notes_take_their_time_from_the_note_before():
    text = f"{START} C4_half gracenote-E4_eighth gracenote-F4_eighth G4_half"
    assert sounds(text) == [
        (60, 0, 1.75),
        (64, 1.75, 1.875),
        (65, 1.875, 2),
        (67, 2, 4),
    ]


def test_grace_notes_at_the_very_start_delay_the_first_note():
    assert sounds(f"{START} gracenote-E4_eighth C4_quarter") == [(64, 0, 0.125), (60, 0.125, 1)]


def test_grace_notes_leave_a_tied_note_sounding():
    assert sounds(f"{START} C4_half tie gracenote-E4_eighth C4_half") == [
        (60, 0, 4),
        (64, 1.875, 2),
    ]


def test_rests_and_multirests_take_their_time():
    text = "clef-G2 timeSignature-3/4 multirest-2 barline rest-whole barline C4_half. barline"
    assert sounds(text) == [(60, 9, 12)]


def test_tempo_meter_and_key_are_told_when_they_change():
    text = "clef-G2 keySignature-EbM timeSignature-C Bb4_whole barline timeSignature-6/8 C4_half."
    assert conductor(text, ExportOptions(tempo=75)) == [
        (0, "tempo", 75),
        (0, "key", "Eb"),
        (0, "time", "4/4"),
        (4 * TICKS, "time", "6/8"),
    ]


def test_a_pickup_is_a_measure_of_its_own_length():
    text = "clef-G2 timeSignature-6/8 C4_eighth barline C4_half. barline"
    assert conductor(text)[1:] == [(0, "time", "1/8"), (TICKS // 2, "time", "6/8")]


def test_a_meter_that_midi_cannot_say_is_left_out():
    assert conductor("clef-G2 timeSignature-2/48 C4_eighth_3:2 barline") == [(0, "tempo", 120)]


def test_a_tempo_out_of_range_is_an_error():
    with pytest.raises(UsageError, match="The tempo must be 4 to 1000"):
        ExportOptions(tempo=0)


@settings(max_examples=50, deadline=None)
@given(sequences() | anything())
def test_every_sequence_makes_a_sound_file_that_repeats(texts):
    made = build_score([[Token(text) for text in texts]])
    data = midi_bytes(made)
    assert data == midi_bytes(made)
    sounding: dict[int, int] = {}
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[1]:
        if message.type == "note_on":
            sounding[message.note] = sounding.get(message.note, 0) + 1
        elif message.type == "note_off":
            sounding[message.note] -= 1
            assert sounding[message.note] >= 0
    assert not any(sounding.values())
