"""MIDI to MusicXML and back, by music21, which guesses the notation that MIDI does not hold."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from omrcli.errors import InputError
from omrcli.formats.musicxml import DOCTYPE, SOFTWARE

#: Longer files, in quarter notes, and those of more notes are damaged or made to harm.
MAX_QUARTERS, MAX_NOTES = 50_000, 500_000
MAX_BYTES = 16 * 2**20


def read_midi(data: bytes, name: str) -> bytes:
    """A MIDI file as MusicXML: rhythm to the nearest sixteenth or triplet, a part for each track.

    Raises:
        InputError: the file is damaged, holds no notes, or is longer than any music.
    """
    _check(data, name)
    music21 = _music21()
    try:
        with _quiet():
            stream = music21.midi.translate.midiStringToStream(data)
            _keep_first_instruments(stream, music21.instrument.Instrument)
            document = music21.musicxml.m21ToXml.GeneralObjectExporter(stream).parse()
    except Exception as error:  # music21 raises whatever its code runs into
        raise InputError(
            f"music21 cannot make notes of {name}; open it in a notation program."
        ) from error
    return _without_traces(bytes(document))


def write_midi(musicxml: str, name: str) -> bytes:
    """A MusicXML document as it sounds: all voices, repeats unrolled.

    Raises:
        InputError: music21 cannot read the document.
    """
    music21 = _music21()
    try:
        with _quiet():
            stream = music21.converter.parseData(musicxml, format="musicxml")
            return bytes(music21.midi.translate.streamToMidiFile(stream).writestr())
    except Exception as error:
        raise InputError(f"music21 cannot play {name}; export it again as MusicXML.") from error


def _keep_first_instruments(stream: Any, kind: type) -> None:
    """Drop changes of instrument, which music21 makes of repeats and cannot write again."""
    for part in stream.parts:
        for instrument in list(part.recurse().getElementsByClass(kind))[1:]:
            if instrument.activeSite is not None:
                instrument.activeSite.remove(instrument)


def _check(data: bytes, name: str) -> None:
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
    notes = sum(message.type == "note_on" for track in file.tracks for message in track)
    if longest > MAX_QUARTERS * file.ticks_per_beat or notes > MAX_NOTES:
        raise InputError(
            f"{name} lasts more than {MAX_QUARTERS} quarter notes or has more than {MAX_NOTES} "
            "notes; cut it up."
        )
    if not notes:
        raise InputError(f"{name} holds no notes; export it again.")


def _without_traces(document: bytes) -> bytes:
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


def _music21() -> Any:
    # On its first import it advises on stderr to install matplotlib, which nothing here needs.
    with contextlib.redirect_stderr(io.StringIO()):
        import music21
        import music21.midi.translate
        import music21.musicxml.m21ToXml

    return music21


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what music21 says of its own workings."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield
