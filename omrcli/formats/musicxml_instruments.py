"""What MusicXML tells of the instrument of a part; its name is looked up in music21's list."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree.ElementTree import Element

#: What an unpitched note sounds as where the document does not say: a snare drum.
_SNARE = 38
_DRUM_CHANNEL = "10"
#: Names that say nothing: "Part 1", "Voice", "Staff 2".
_PLAIN_NAME = re.compile(r"(part|staff|voice|music|instrument)?[\s\d.:]*", re.IGNORECASE)


@dataclass(frozen=True)
class Instrument:
    """The name and the MIDI program, from 0, of a part; `drums` are MIDI keys by instrument id."""

    name: str = ""
    program: int = 0
    is_drums: bool = False
    drums: Mapping[str, int] = field(default_factory=dict)

    def drum(self, instrument: str | None) -> int:
        """The MIDI key of an unpitched note."""
        return self.drums.get(instrument or "", next(iter(self.drums.values()), _SNARE))


def read_instruments(entry: Element | None) -> Instrument:
    """The instrument of an entry of the part list: its MIDI program, or what its name says."""
    if entry is None:
        return Instrument()
    name = " ".join((entry.findtext("part-name") or "").split())
    program = _midi(entry.findtext("midi-instrument/midi-program"))
    if program is None:
        said = entry.findtext("score-instrument/instrument-name")
        program = next((p for text in (name, said) if (p := _look_up(text)) is not None), 0)
    drums = {
        item.get("id", ""): key
        for item in entry.iterfind("midi-instrument")
        if (key := _midi(item.findtext("midi-unpitched"))) is not None
    }
    channel = entry.findtext("midi-instrument/midi-channel", "").strip()
    return Instrument(name, program, channel == _DRUM_CHANNEL, drums)


def _midi(text: str | None) -> int | None:
    """A number that MusicXML counts from 1 to 128, from 0."""
    found = re.fullmatch(r"\s*(\d{1,3})\s*", text or "")
    return int(found[1]) - 1 if found and 1 <= int(found[1]) <= 128 else None


@lru_cache(maxsize=256)
def _look_up(name: str | None) -> int | None:
    """The program of an instrument by its name in any of music21's languages."""
    if not name or _PLAIN_NAME.fullmatch(name):
        return None
    # On its first import it advises on stderr to install matplotlib, which nothing here needs.
    with contextlib.redirect_stderr(io.StringIO()):
        from music21 import exceptions21, instrument
    try:
        program = instrument.fromString(name).midiProgram
    except exceptions21.Music21Exception:
        return None
    return program if isinstance(program, int) and 0 <= program < 128 else None
