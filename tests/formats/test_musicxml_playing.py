"""MusicXML as it is played: the same as the score it was written from, and all that has voices."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import mido
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from omrcli.convert.sources import Music
from omrcli.errors import InputError
from omrcli.formats.midi import midi_bytes, piece_bytes
from omrcli.formats.musicxml import MAX_DIVISIONS, _divisions, musicxml_bytes
from omrcli.formats.musicxml_playing import document_piece
from omrcli.formats.performance import part_sounds
from omrcli.score.score import ExportOptions
from tests.convert.test_round_trips import duets, staves
from tests.scores import score

ATTRIBUTES = (
    "<attributes><divisions>2</divisions><key><fifths>0</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
)


def note(step: str, more: str = "", before: str = "", duration: int = 8) -> str:
    return (
        f"<note>{before}<pitch><step>{step}</step><octave>4</octave></pitch>"
        f"<duration>{duration}</duration>{more}</note>"
    )


def document(*parts: str, entries: str = "") -> ET.Element:
    """A document of parts, each the text of its measures without the elements around them, cut at
    bars; the attributes stand in the first."""
    text = "".join(
        f'<part id="P{number}">'
        + "".join(
            f'<measure number="{n}">{ATTRIBUTES if n == 1 else ""}{measure}</measure>'
            for n, measure in enumerate(part.split("|"), 1)
        )
        + "</part>"
        for number, part in enumerate(parts, 1)
    )
    return ET.fromstring(f"<score-partwise><part-list>{entries}</part-list>{text}</score-partwise>")


def sounds(root: ET.Element, part: int = 0) -> list[tuple[int, float, float]]:
    piece = document_piece(root, "x")
    heard = part_sounds(piece.bars, piece.parts[part])
    return [(sound.key, float(sound.start), float(sound.end)) for sound in heard]


def track(root: ET.Element, number: int = 1) -> mido.MidiTrack:
    data = piece_bytes(document_piece(root, "x"))
    return mido.MidiFile(file=io.BytesIO(data), charset="utf-8").tracks[number]


def bar(location: str, inside: str) -> str:
    return f'<barline location="{location}">{inside}</barline>'


def ending(number: str, kind: str) -> str:
    return f'<ending number="{number}" type="{kind}"/>'


BACK, FORTH = '<repeat direction="backward"/>', '<repeat direction="forward"/>'


def steps(root: ET.Element) -> str:
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B"}
    return "".join(names[key] for key, _, _ in sounds(root))


# --- one rule -------------------------------------------------------------------------------------


def notes(data: bytes) -> list[list[str]]:
    """The notes of each track as they begin and end."""
    file = mido.MidiFile(file=io.BytesIO(data))
    return [[str(message) for message in track if "note" in message.type] for track in file.tracks]


@settings(max_examples=60, deadline=None)
@given(st.one_of(staves().map(lambda texts: [texts]), duets()))
def test_a_score_sounds_the_same_by_way_of_musicxml(parts: list[list[str]]) -> None:
    made = Music("x", "semantic", tuple(map(tuple, parts))).score
    assume(max(map(_divisions, made.parts)) < MAX_DIVISIONS)  # beyond it durations are rounded
    document = ET.fromstring(musicxml_bytes(made))
    assert notes(piece_bytes(document_piece(document, "x"))) == notes(midi_bytes(made))


def test_a_score_is_the_same_file_by_way_of_musicxml() -> None:
    made = score(
        "clef-G2 keySignature-GM timeSignature-3/4 D4_quarter barline repeat-start G4_half. "
        "barline gracenote-B4_eighth A4_quarter B4_half tie repeat-end B4_half. barline "
        "keySignature-FM multirest-3 barline timeSignature-2/4 A4_quarter_3:2 A4_quarter_3:2 "
        "A4_quarter_3:2 barline-final"
    )
    options = ExportOptions(title="Tune", tempo=90)
    document = ET.fromstring(musicxml_bytes(made, options))
    assert piece_bytes(document_piece(document, "x")) == midi_bytes(made, options)


# --- repeats --------------------------------------------------------------------------------------


def test_endings_are_played_by_their_numbers() -> None:
    first = bar("left", ending("1", "start")) + note("D")
    first += bar("right", ending("1", "stop") + BACK)
    second = bar("left", ending("2", "start")) + note("E") + bar("right", ending("2", "stop"))
    part = f"{note('C')}|{first}|{second}|{note('F')}"
    # Programs write brackets over the first part only.
    other = f"{note('G')}|{note('G')}{bar('right', BACK)}|{note('G')}|{note('G')}"
    root = document(part, other)
    assert steps(root) == "CDCEF"
    assert len(sounds(root, 1)) == 5


def test_a_bracket_for_two_passes_and_one_over_two_measures() -> None:
    first = bar("left", ending("1, 2", "start")) + note("D")
    last = note("E") + bar("right", ending("1, 2", "stop") + BACK)
    third = bar("left", ending("3", "start")) + note("F") + bar("right", ending("3", "discontinue"))
    part = f"{note('C')}|{bar('left', FORTH)}{note('A')}|{first}|{last}|{third}|{note('G')}"
    assert steps(document(part)) == "CADEADEAFG"


def test_da_capo_al_fine_and_dal_segno_al_coda() -> None:
    fine, capo = '<sound fine="yes"/>', '<sound dacapo="yes"/>'
    assert steps(document(f"{note('C')}|{note('D')}{fine}|{note('E')}{capo}")) == "CDECD"
    segno = "<direction><direction-type><segno/></direction-type></direction>"
    coda, jump = '<sound tocoda="coda"/>', '<sound dalsegno="segno"/>'
    text = f"{note('C')}|{segno}{note('D')}{coda}|{note('E')}{jump}|{note('F')}"
    assert steps(document(text)) == "CDEDF"


# --- what only MusicXML holds ---------------------------------------------------------------------


def test_voices_and_their_ties_sound_together() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    back = "<backup><duration>8</duration></backup>"
    first = note("C", start + "<voice>1</voice>") + back + note("E", "<voice>2</voice>")
    second = note("D", "<voice>1</voice>") + back + note("C", stop + "<voice>2</voice>")
    found = sounds(document(f"{first}|{second}"))
    assert sorted(found) == [(60, 0, 8), (62, 4, 8), (64, 0, 4)]


def test_chords_sound_at_once_and_cue_notes_do_not() -> None:
    cue = note("A", before="<cue/>")
    part = note("C") + note("E", before="<chord/>") + cue + note("G", before="<chord/><cue/>")
    assert [key for key, _, _ in sounds(document(part.split("<note><cue/>")[0]))] == [60, 64]
    assert [key for key, _, _ in sounds(document(cue + note("C")))] == [60]


def test_transposing_instruments_sound_as_they_sound() -> None:
    moved = "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>"
    assert sounds(document(f"{moved}{note('D')}"))[0][0] == 60


def test_tempos_and_dynamics_are_heard() -> None:
    mark = (
        "<direction><direction-type><metronome><beat-unit>half</beat-unit>"
        "<per-minute>45</per-minute></metronome></direction-type></direction>"
        "<direction><direction-type><dynamics><p/></dynamics></direction-type></direction>"
    )
    root = document(f"{note('C')}|{mark}{note('D')}{bar('right', BACK)}")
    tempos = [mido.tempo2bpm(m.tempo) for m in track(root, 0) if m.type == "set_tempo"]
    assert tempos == pytest.approx([120, 90, 120, 90])
    velocities = [m.velocity for m in track(root) if m.type == "note_on"]
    assert velocities[:2] == [80, 49]


@pytest.mark.parametrize(
    ("entry", "name", "program"),
    [
        ("<part-name>Violoncello</part-name>", "Violoncello", 42),
        ("<part-name>Flöte</part-name>", "Flöte", 73),
        ("<part-name/>", "Part 1", 0),
        ("<part-name>Nobody's horn of plenty</part-name>", "Nobody's horn of plenty", None),
        (
            "<part-name>Solo</part-name><midi-instrument id='I'><midi-program>57</midi-program>"
            "</midi-instrument>",
            "Solo",
            56,
        ),
    ],
)
def test_tracks_have_names_and_instruments(entry: str, name: str, program: int | None) -> None:
    root = document(note("C"), entries=f'<score-part id="P1">{entry}</score-part>')
    messages = track(root)
    assert messages.name == name
    (change,) = (message for message in messages if message.type == "program_change")
    assert program is None or change.program == program


def test_drums_are_on_their_channel_and_others_are_not() -> None:
    hit = (
        "<note><unpitched><display-step>C</display-step><display-octave>5</display-octave>"
        "</unpitched><duration>8</duration><instrument id='D2'/></note>"
    )
    drums = "".join(
        f"<midi-instrument id='D{n}'><midi-unpitched>{key}</midi-unpitched></midi-instrument>"
        for n, key in ((1, 36), (2, 43))
    )
    entries = "".join(
        f'<score-part id="P{n}"><part-name>{n}</part-name>{inside}</score-part>'
        for n, inside in ((1, drums), (2, ""))
    )
    root = document(hit, note("C"), entries=entries)
    assert [(m.channel, m.note) for m in track(root, 1) if m.type == "note_on"] == [(9, 42)]
    assert [(m.channel, m.note) for m in track(root, 2) if m.type == "note_on"] == [(0, 60)]


@pytest.mark.parametrize(
    ("measures", "reason"),
    [
        (note("H"), "a note of step 'H'"),
        ("<attributes><divisions>0</divisions></attributes>", "divisions that are none"),
        (note("C").replace("8", "1e999999999"), "'1e999999999' in place of a number"),
        ("<backup><duration>x</duration></backup>", "'x' in place of a number"),
    ],
)
def test_what_cannot_be_played_is_an_error(measures: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        document_piece(document(measures), "x.musicxml")
    assert str(caught.value).startswith(f"x.musicxml holds what cannot be played ({reason})")


def test_music_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="lasts longer than"):
        document_piece(document(note("C", duration=999999999)), "x")
