"""MIDI: pitches, onsets and durations as they sound, and the events around them."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings

from omrcli.errors import UsageError
from omrcli.formats.midi import TICKS, midi_bytes, score_piece
from omrcli.formats.performance import part_sounds
from omrcli.score.score import ExportOptions, build_score
from omrcli.tokens import Token
from tests.scores import anything, score, sequences

START = "clef-G2 timeSignature-4/4"


def sounds(*staves: str) -> list[tuple[int, Fraction, Fraction]]:
    piece = score_piece(score(*staves), ExportOptions())
    heard = part_sounds(piece.bars, piece.parts[0])
    return [(sound.key, sound.start, sound.end) for sound in heard]


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


def test_what_stands_between_repeat_signs_sounds_twice():
    text = (
        "clef-G2 keySignature-GM timeSignature-3/4 repeat-start note-G4_half. barline "
        "keySignature-CM note-A4_half. repeat-end note-B4_half. barline-final"
    )
    assert [key for key, _, _ in sounds(text)] == [67, 69, 67, 69, 71]
    assert [start for _, start, _ in sounds(text)] == [0, 3, 6, 9, 12]
    keys = [(now // TICKS, key) for now, kind, key in conductor(text) if kind == "key"]
    assert keys == [(0, "G"), (3, "C"), (6, "G"), (9, "C")]


def test_no_tie_leads_back_to_a_repeat_sign():
    text = f"{START} C4_whole tie repeat-end C4_whole barline"
    assert sounds(text) == [(60, 0, 4), (60, 4, 12)]


def test_each_part_has_a_name_an_instrument_and_a_channel_that_is_not_the_drums():
    staff = f"{START} C4_whole barline-final"
    made = replace(score(staff), parts=score(staff).parts * 12)
    tracks = mido.MidiFile(file=io.BytesIO(midi_bytes(made))).tracks[1:]
    assert [track.name for track in tracks] == [f"Part {number}" for number in range(1, 13)]
    channels = [message.channel for track in tracks for message in track if not message.is_meta]
    assert list(dict.fromkeys(channels)) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert all(track[1].type == "program_change" and track[1].program == 0 for track in tracks)


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
