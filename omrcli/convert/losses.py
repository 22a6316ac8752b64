"""What a conversion loses, in one sentence for the user."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from .sources import Music

#: What the semantic encoding has no tokens for -> where MusicXML holds it.
_BEYOND_TOKENS = {
    "slurs": ("note/notations/slur",),
    "dynamics": ("direction/direction-type/dynamics", "note/notations/dynamics"),
    "hairpins": ("direction/direction-type/wedge",),
    "lyrics": ("note/lyric",),
    "articulations": ("note/notations/articulations",),
    "ornaments": ("note/notations/ornaments", "note/notations/arpeggiate"),
    "fingerings": ("note/notations/technical",),
    "words": ("direction/direction-type/words", "direction/direction-type/rehearsal"),
    "tempo": ("direction/direction-type/metronome", "direction/sound[@tempo]", "sound[@tempo]"),
    "pedal": ("direction/direction-type/pedal",),
    "octave lines": ("direction/direction-type/octave-shift",),
    "endings": ("barline/ending",),
    "chord symbols": ("harmony",),
    "figured bass": ("figured-bass",),
    "small notes": ("note/cue",),
    "transposition": ("attributes/transpose",),
    "line breaks": ("print[@new-system='yes']", "print[@new-page='yes']"),
}
_MIDI = "the spelling of pitches, clefs, slurs and all else that does not sound"
_MIDI_OF_TOKENS = "the spelling of pitches, clefs, barlines, fermatas and beams"
#: What the writer of a format does not take over from MusicXML.
_BY_FORMAT = {
    "krn": "layout, fingerings and some ornaments",
    "ly": "layout, and what musicxml2ly does not know",
    "mei": "layout other than breaks",
}


def describe_losses(music: Music, format: str) -> str | None:
    """The sentence that says what a conversion leaves out; None where that is nothing."""
    lost = list(_losses(music, format))
    if not lost:
        return None
    return f"What .{format} cannot hold is left out: {', '.join(lost)}."


def _losses(music: Music, format: str) -> Iterator[str]:
    if format == "semantic" and not music.lines:
        yield from music.reading.left_out
        if music.root.find("work/work-title") is not None:
            yield "title"
        yield from _beyond_tokens(music.root)
    elif format == "mid":
        yield _MIDI_OF_TOKENS if music.lines else _MIDI
    elif not music.lines and format in _BY_FORMAT:
        yield _BY_FORMAT[format]


def _beyond_tokens(root: Element) -> Iterator[str]:
    measures = root.findall("part/measure")
    for name, paths in _BEYOND_TOKENS.items():
        if any(measure.find(path) is not None for measure in measures for path in paths):
            yield name
