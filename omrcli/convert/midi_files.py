"""MIDI to MusicXML, its notation guessed; music21 writes it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from omrcli.errors import InputError
from omrcli.formats.musicxml import DOCTYPE, SOFTWARE

from .midi_rhythm import Written, notate
from .midi_tracks import DRUMS, Key, Measure, Recording, Track, read_tracks

#: Longer files, in quarter notes, and those of more notes are damaged or made to harm.
MAX_QUARTERS, MAX_NOTES = 50_000, 500_000
MAX_BYTES = 16 * 2**20
#: Steps in the order of fifths, and their distances from C.
_FIFTHS, _DISTANCES = "FCGDAEB", (5, 0, 7, 2, 9, 4, 11)
#: Where drums stand on their staff, by their MIDI keys; all others in its third space.
_DRUMS = {
    35: "F4", 36: "F4", 41: "A4", 43: "A4", 45: "D5", 47: "D5", 48: "E5", 50: "E5", 42: "G5",
    44: "D4", 46: "G5", 49: "A5", 51: "F5", 53: "F5", 57: "A5", 59: "F5",
}  # fmt: skip


def read_midi(data: bytes, name: str) -> bytes:
    """A MIDI file as MusicXML, with a part for each channel of each track.

    Raises:
        InputError: the file is damaged, holds no notes, or is longer than any music.
    """
    recording = read_tracks(_open(data, name))
    return export_score(lambda music21: _Scribe(music21, recording).write(), name)


def export_score(make: Callable[[Any], Any], name: str) -> bytes:
    """The music21 score that `make` makes, given music21, as MusicXML without traces of the run.

    Raises:
        InputError: music21 cannot make or write it.
    """
    music21 = load_music21()
    try:
        with quiet():
            document = music21.musicxml.m21ToXml.GeneralObjectExporter(make(music21)).parse()
    except Exception as error:  # music21 raises whatever its code runs into
        raise InputError(
            f"music21 cannot make notes of {name}; open it in a notation program."
        ) from error
    return without_traces(bytes(document))


def _open(data: bytes, name: str) -> Any:
    """The file as mido has it, if it is one of music."""
    from mido import MidiFile

    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES >> 20} MiB; no MIDI file is.")
    try:
        file = MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # mido raises whatever its code runs into
        raise InputError(f"Cannot read {name} as MIDI; export it again.") from error
    if not file.ticks_per_beat or file.ticks_per_beat < 0:
        raise InputError(f"{name} counts in seconds and not in beats; export it again.")
    longest = max((sum(message.time for message in track) for track in file.tracks), default=0)
    notes = sum(
        message.type == "note_on" and message.velocity > 0
        for track in file.tracks
        for message in track
    )
    if longest > MAX_QUARTERS * file.ticks_per_beat or notes > MAX_NOTES:
        raise InputError(
            f"{name} lasts more than {MAX_QUARTERS} quarter notes or has more than {MAX_NOTES} "
            "notes; cut it up."
        )
    if not notes:
        raise InputError(f"{name} holds no notes; export it again.")
    return file


class _Scribe:
    """Writes a recording down as a score of music21's, which adds accidentals, beams, brackets."""

    def __init__(self, music21: Any, recording: Recording) -> None:
        self._music21 = music21
        self._recording = recording

    def write(self) -> Any:
        """The score."""
        score = self._music21.stream.Score()
        if self._recording.title:
            title = self._music21.metadata.Metadata(title=self._recording.title)
            score.insert(0, title)
        for number, track in enumerate(self._recording.tracks):
            score.insert(0, self._write_part(track, is_first=not number))
        return score

    def _write_part(self, track: Track, is_first: bool) -> Any:
        music21, measures = self._music21, self._recording.measures
        part = music21.stream.Part()
        part.insert(0, self._name_instrument(track))
        key = Key(0)
        for number, voices in enumerate(notate(track.notes, measures, self._recording.tick)):
            measure = measures[number]
            written = self._open_measure(measure, number, is_first)
            key = measure.key or key
            self._write_voices(written, voices, measure, key, track.channel == DRUMS)
            part.append(written)
        clefs = music21.clef
        drums = track.channel == DRUMS
        clef = clefs.PercussionClef() if drums else clefs.bestClef(part, recurse=True)
        part.getElementsByClass("Measure").first().insert(0, clef)
        part.getElementsByClass("Measure").last().rightBarline = "final"
        return part

    def _name_instrument(self, track: Track) -> Any:
        instruments = self._music21.instrument
        instrument = instruments.Instrument()
        if track.channel != DRUMS and track.program is not None:
            with contextlib.suppress(self._music21.exceptions21.Music21Exception):
                instrument = instruments.instrumentFromMidiProgram(track.program)
        instrument.partName = track.name or instrument.instrumentName
        return instrument

    def _open_measure(self, measure: Measure, number: int, is_first: bool) -> Any:
        """A measure with its signs; the tempo stands over the first part only."""
        music21 = self._music21
        is_short = self._recording.measures[0].is_pickup
        written = music21.stream.Measure(number=number + (not is_short))
        if measure.meter:
            written.timeSignature = music21.meter.TimeSignature("/".join(map(str, measure.meter)))
            if measure.is_pickup:
                length = written.timeSignature.barDuration.quarterLength
                written.paddingLeft = length - measure.length
        if measure.key and (measure.key.fifths or number):
            written.keySignature = music21.key.KeySignature(measure.key.fifths)
        if measure.tempo and is_first:
            written.insert(0, music21.tempo.MetronomeMark(number=round(measure.tempo, 2)))
        return written

    def _write_voices(
        self,
        written: Any,
        voices: Sequence[Sequence[Written]],
        measure: Measure,
        key: Key,
        is_drums: bool,
    ) -> None:
        music21 = self._music21
        if not voices:
            rest = music21.note.Rest(quarterLength=measure.length)
            rest.fullMeasure = True
            written.insert(0, rest)
        for voice in voices:
            place = written if len(voices) == 1 else music21.stream.Voice()
            if place is not written:
                written.insert(0, place)
            for item in voice:
                place.insert(item.onset, self._write_note(item, key, is_drums))

    def _write_note(self, written: Written, key: Key, is_drums: bool) -> Any:
        """A note, chord or rest."""
        music21 = self._music21
        note: Any
        if not written.keys:
            return music21.note.Rest(quarterLength=written.length)
        if is_drums:
            note = music21.note.Unpitched(_DRUMS.get(written.keys[-1], "C5"))
        else:
            notes = [music21.note.Note(self._spell(number, key)) for number in written.keys]
            note = notes[0] if len(notes) == 1 else music21.chord.Chord(notes)
        note.quarterLength = written.length
        if written.words:
            note.lyric = written.words
        if written.starts_tie or written.stops_tie:
            kind = "stop" if not written.starts_tie else "start"
            both = written.starts_tie and written.stops_tie
            note.tie = music21.tie.Tie("continue" if both else kind)
        return note

    def _spell(self, number: int, key: Key) -> Any:
        """The pitch of a MIDI key: in C major from E flat to G sharp, in A minor from B flat to D
        sharp, in the order of fifths, and so in all keys."""
        low = key.fifths - (2 if key.is_minor else 3)
        fifth = low + (7 * number - low) % 12
        alter, place = divmod(fifth + 1, 7)
        octave = (number - alter - _DISTANCES[place]) // 12 - 1
        name = _FIFTHS[place] + ("-" * -alter if alter < 0 else "#" * alter)
        return self._music21.pitch.Pitch(name, octave=octave)


def without_traces(document: bytes) -> bytes:
    """The document without the date and the random names by which music21's runs differ."""
    root = ET.fromstring(document)
    names: dict[str, str] = {}
    for number, part in enumerate(root.iterfind("part-list/score-part"), 1):
        names[part.get("id", "")] = f"P{number}"
        for element in part.iter():
            identity = element.get("id")
            if element.tag in ("score-instrument", "midi-instrument") and identity:
                names.setdefault(identity, f"P{number}-I1")
    for element in root.iter():
        if element.get("id") in names:
            element.set("id", names[element.get("id", "")])
    for measure in root.iterfind("part/measure[@number='0']"):  # an upbeat
        measure.set("implicit", "yes")
    for encoding in root.iterfind("identification/encoding"):
        for child in list(encoding):
            if child.tag == "encoding-date":
                encoding.remove(child)
            elif child.tag == "software":
                child.text = SOFTWARE
    identification = root.find("identification")
    if identification is not None:
        for creator in identification.findall("creator"):  # "Music21", which wrote no music
            if creator.text == "Music21":
                identification.remove(creator)
    for tag in ("work", "movement-title"):  # "Music21 Fragment"
        for element in root.findall(tag):
            if "Music21" in "".join(element.itertext()):
                root.remove(element)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def load_music21() -> Any:
    """music21, with what reads and writes files."""
    # On its first import it advises on stderr to install matplotlib, which nothing here needs.
    with contextlib.redirect_stderr(io.StringIO()):
        import music21
        import music21.musicxml.m21ToXml

    return music21


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what music21 says of its own workings."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield
