"""A score as a standard MIDI file. The sole door to mido, which is imported on first use.

Ties are joined, repeats are not unrolled, fermatas do not sound, and grace notes come shortly
before their beat, in time taken from the note before. Two runs write the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from omrcli.score.measures import Measure, Part
from omrcli.score.notation import NotedEvent, note_events
from omrcli.score.score import ExportOptions, Score
from omrcli.tokens import KEY_NAMES, KeySignature, Pitch, TimeSignature

#: Ticks of a quarter note: triplets, quintuplets and 128th notes are whole numbers of them.
TICKS = 960
#: Quarter notes a minute where the caller gives no tempo: what players assume in that case.
DEFAULT_TEMPO = 120.0
VELOCITY = 80
#: Longest a grace note sounds, in quarter notes.
GRACE_LENGTH = Fraction(1, 8)


@dataclass
class Sound:
    """A sounding note: MIDI key, start and end in quarter notes from the start of the part."""

    key: int
    start: Fraction
    end: Fraction


def midi_bytes(score: Score, options: ExportOptions | None = None) -> bytes:
    """The score as a MIDI file of format 1: tempo and signatures, then a track for each part."""
    from mido import MidiFile

    options = options or ExportOptions()
    file = MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    parts = score.parts or (Part(()),)
    file.tracks.append(_conductor(parts[0], options, options.title or score.title))
    file.tracks += [_note_track(part, _channel(number)) for number, part in enumerate(parts)]
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def part_sounds(part: Part) -> list[Sound]:
    """The notes of a part as they sound, in order of their start."""
    player = _Player()
    start = Fraction(0)
    for measure, noted in zip(part.measures, note_events(part), strict=True):
        for item in noted:
            player.play(item, start + item.event.onset)
        start += measure.actual
    player.play_graces(start)
    return sorted(player.sounds, key=lambda sound: (sound.start, sound.key))


class _Player:
    """Plays events in order; grace notes wait for the event that they lead to."""

    def __init__(self) -> None:
        self.sounds: list[Sound] = []
        self._tied: dict[Pitch, Sound] = {}
        self._graces: list[NotedEvent] = []
        self._last: list[Sound] = []
        self._onset = Fraction(0)

    def play(self, noted: NotedEvent, onset: Fraction) -> None:
        """Play an event at `onset` quarter notes from the start of the part."""
        if noted.event.kind == "grace":
            self._graces.append(noted)
            return
        delay = self.play_graces(onset, noted.event.duration)
        end = onset + noted.event.duration
        self._last = self._sound(noted, onset + delay, end)
        self._onset = onset

    def play_graces(self, onset: Fraction, following: Fraction = Fraction(0)) -> Fraction:
        """Play the waiting grace notes before `onset`; returns by how much the event is late.

        They take at most half of what is before. At the very start there is nothing, so that they
        take up to half of the event that follows.
        """
        graces, self._graces = self._graces, []
        if not graces:
            return Fraction(0)
        before = (onset - self._onset) / 2
        length = min(GRACE_LENGTH, (before or following / 2 or GRACE_LENGTH) / len(graces))
        start = onset - len(graces) * length if before else onset
        kept = list(self._tied.values())
        for sound in self._last:
            if sound.end > start and sound not in kept:
                sound.end = start
        for place, grace in enumerate(graces):
            self._sound(grace, start + place * length, start + (place + 1) * length)
        return Fraction(0) if before else len(graces) * length

    def _sound(self, noted: NotedEvent, start: Fraction, end: Fraction) -> list[Sound]:
        """Sound each pitch of an event, or let go on those that are tied from before."""
        tied: dict[Pitch, Sound] = {}
        sounds = []
        for pitch in noted.event.pitches:
            sound = self._tied.get(pitch) if pitch in noted.tie_stops else None
            if sound is None:
                sound = Sound(pitch.midi, start, end)
                self.sounds.append(sound)
            sound.end = end
            sounds.append(sound)
            if pitch in noted.tie_starts:
                tied[pitch] = sound
        # A grace note may stand between the two notes of a tie.
        self._tied = {**self._tied, **tied} if noted.event.kind == "grace" else tied
        return sounds


def _conductor(part: Part, options: ExportOptions, title: str | None) -> Any:
    from mido import MetaMessage, bpm2tempo

    timed = [(0, MetaMessage("set_tempo", tempo=round(bpm2tempo(options.tempo or DEFAULT_TEMPO))))]
    if title:
        timed.insert(0, (0, MetaMessage("track_name", name=title)))
    start = Fraction(0)
    before: TimeSignature | None = None
    for measure in part.measures:
        timed += [(_ticks(start + at), _key_message(key)) for at, key in _keys(measure)]
        if measure.status == "pickup":
            timed += _meter_message(start, measure.actual / 4)
        elif measure.time and measure.time != before:
            before = measure.time
            timed += _meter_message(start, Fraction(before.beats, before.unit), before.unit)
        start += measure.actual
    return _track(sorted(timed, key=lambda pair: pair[0]), start)


def _keys(measure: Measure) -> Iterator[tuple[Fraction, KeySignature]]:
    for change in measure.changes:
        if isinstance(change.symbol, KeySignature):
            yield change.onset, change.symbol


def _key_message(key: KeySignature) -> Any:
    from mido import MetaMessage

    return MetaMessage("key_signature", key=KEY_NAMES[key.fifths].removesuffix("M"))


def _meter_message(start: Fraction, length: Fraction, unit: int = 1) -> list[tuple[int, Any]]:
    """A time signature of `length` whole notes; none where MIDI cannot say it, as with 2/48."""
    from mido import MetaMessage

    unit = max(unit, length.denominator)
    beats = length * unit
    if unit & (unit - 1) or beats.denominator != 1 or beats > 255:
        return []
    message = MetaMessage("time_signature", numerator=int(beats), denominator=unit)
    return [(_ticks(start), message)]


def _channel(part: int) -> int:
    """A channel of its own for each part, as far as there are any; 9 is the drums'."""
    return [channel for channel in range(16) if channel != 9][part % 15]


def _note_track(part: Part, channel: int) -> Any:
    from mido import Message

    timed = []
    for sound in part_sounds(part):
        if 0 <= sound.key <= 127:
            on = _ticks(sound.start)
            off = max(_ticks(sound.end), on + 1)
            place = {"channel": channel, "note": sound.key}
            timed.append((on, Message("note_on", velocity=VELOCITY, **place)))
            timed.append((off, Message("note_off", velocity=0, **place)))
    # At the same tick a note ends before the next begins.
    timed.sort(key=lambda pair: (pair[0], pair[1].type == "note_on", pair[1].note))
    return _track(timed, sum((measure.actual for measure in part.measures), Fraction(0)))


def _track(timed: Sequence[tuple[int, Any]], end: Fraction) -> Any:
    """A track of messages, given with absolute ticks in order, that lasts until `end`."""
    from mido import MetaMessage, MidiTrack

    track = MidiTrack()
    now = 0
    for tick, message in timed:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=max(0, _ticks(end) - now)))
    return track


def _ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS)
