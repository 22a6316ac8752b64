"""The messages of a MIDI file -> its notes, measures, keys and tempos, in quarter notes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, TypeVar

from .midi_rhythm import Bar, Played

DRUMS = 9  # the channel
_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
#: Meters stand on this grid, whatever a clock made of them.
_METER_GRID = 16
#: A note may end so long after a barline that is meant, in quarter notes.
_LATE = Fraction(1, 8)
_WITHOUT_END = Fraction(1)  # how long a note lasts that is never ended

_Messages = Sequence[tuple[Fraction, Any]]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Key:
    """A key signature: sharps, or flats if negative."""

    fifths: int
    is_minor: bool = False


@dataclass(frozen=True)
class Measure(Bar):
    """A measure; `meter` and `key` are given where they change, `tempo` in quarters a minute."""

    meter: tuple[int, int] | None = None
    key: Key | None = None
    tempo: float | None = None
    is_pickup: bool = False


@dataclass(frozen=True)
class Track:
    """The notes of a channel of a track; `program` is the instrument as MIDI counts them."""

    name: str
    channel: int
    program: int | None
    notes: tuple[Played, ...]


@dataclass(frozen=True)
class Recording:
    """What a MIDI file holds; `tick` is the least time that it tells apart."""

    title: str
    tracks: tuple[Track, ...]
    measures: tuple[Measure, ...]
    tick: Fraction


@dataclass
class _Channel:
    """Notes of a channel while its track is read: those that sound are not yet ended."""

    program: int | None = None
    notes: list[Played] = field(default_factory=list)
    sounding: dict[int, Fraction] = field(default_factory=dict)

    def end(self, key: int, time: Fraction, words: Mapping[Fraction, str]) -> None:
        start = self.sounding.pop(key, None)
        if start is not None:
            self.notes.append(Played(key, start, time, words.get(start, "")))


def read_tracks(file: Any) -> Recording:
    """Read an open file of mido's, in which there is at least one note."""
    tick = Fraction(1, file.ticks_per_beat)
    timed = [list(_time(track, tick)) for track in file.tracks]
    tracks = [each for messages in timed for each in _read_track(messages)]
    title = "" if not timed or _has_notes(timed[0]) else _name(timed[0])
    notes = [note for track in tracks for note in track.notes]
    last = max(*(note.end - _LATE for note in notes), *(note.start for note in notes))
    merged = sorted((pair for messages in timed for pair in messages), key=lambda pair: pair[0])
    return Recording(title, tuple(tracks), tuple(_measures(merged, last)), tick)


def _time(track: Any, tick: Fraction) -> Iterator[tuple[Fraction, Any]]:
    now = 0
    for message in track:
        now += message.time
        yield now * tick, message


def _read_track(messages: _Messages) -> Iterator[Track]:
    words = {time: _text(said.text) for time, said in messages if said.type == "lyrics"}
    channels: dict[int, _Channel] = {}
    for time, message in messages:
        if message.type not in ("note_on", "note_off", "program_change"):
            continue
        channel = channels.setdefault(message.channel, _Channel())
        if message.type == "program_change":
            channel.program = message.program if channel.program is None else channel.program
        elif message.type == "note_on" and message.velocity:
            if channel.sounding.get(message.note) != time:  # else it was begun twice
                channel.end(message.note, time, words)
                channel.sounding[message.note] = time
        else:
            channel.end(message.note, time, words)
    for number, channel in sorted(channels.items()):
        for key, start in list(channel.sounding.items()):
            channel.end(key, start + _WITHOUT_END, words)
        if channel.notes:
            yield Track(_name(messages), number, channel.program, tuple(channel.notes))


def _has_notes(messages: _Messages) -> bool:
    return any(message.type == "note_on" for _, message in messages)


def _name(messages: _Messages) -> str:
    return next((_text(said.name) for _, said in messages if said.type == "track_name"), "").strip()


def _text(text: str) -> str:
    """A text of a file, which mido takes for Latin-1 and programs of today write as UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _measures(messages: _Messages, last: Fraction) -> Iterator[Measure]:
    """The measures up to that of the time `last`; a new meter begins one, wherever it stands."""
    meters = _meters(messages)
    keys = _Values((at, _key(said.key)) for at, said in messages if said.type == "key_signature")
    tempos = _Values((at, 6e7 / said.tempo) for at, said in messages if said.type == "set_tempo")
    start, place = Fraction(0), 0
    shown: tuple[int, int] | None = None
    key: Key | None = None
    tempo: float | None = None
    is_pickup = len(meters) > 1 and _length(meters[0][1]) == meters[1][0] < _length(meters[1][1])
    while start <= last:
        while place + 1 < len(meters) and meters[place + 1][0] <= start:
            place += 1
        meter = meters[1][1] if is_pickup and not start else meters[place][1]
        end = start + _length(meters[place][1])
        if place + 1 < len(meters):
            end = min(end, meters[place + 1][0])
        new_key = keys.at((start + end) / 2)
        new_tempo = tempos.at(start)
        yield Measure(
            start,
            end - start,
            meter if meter != shown else None,
            new_key if new_key != key else None,
            new_tempo if new_tempo != tempo else None,
            is_pickup and not start,
        )
        shown, key, tempo, start = meter, new_key, new_tempo, end


class _Values(Generic[_Value]):
    """What changes with time: pairs in order."""

    def __init__(self, found: Iterable[tuple[Fraction, _Value]]) -> None:
        pairs = list(found)
        self._times = [time for time, _ in pairs]
        self._values = [value for _, value in pairs]

    def at(self, time: Fraction) -> _Value | None:
        """What is in force at a time, if anything is."""
        place = bisect_right(self._times, time)
        return self._values[place - 1] if place else None


def _meters(messages: _Messages) -> list[tuple[Fraction, tuple[int, int]]]:
    """Changes of meter and when they happen, the first at 0."""
    found: dict[Fraction, tuple[int, int]] = {Fraction(0): (4, 4)}
    for time, message in messages:
        if message.type == "time_signature" and message.numerator:
            at = Fraction(round(time * _METER_GRID), _METER_GRID)
            found[at] = (message.numerator, message.denominator)
    changes = sorted(found.items())
    return [
        (time, meter)
        for number, (time, meter) in enumerate(changes)
        if not number or meter != changes[number - 1][1]
    ]


def _length(meter: tuple[int, int]) -> Fraction:
    return Fraction(4 * meter[0], meter[1])


def _key(name: str) -> Key:
    """A key by mido's name, such as "F#m"."""
    is_minor = name.endswith("m")
    names, tonic = (_MINOR if is_minor else _MAJOR), name.removesuffix("m")
    return Key(names.index(tonic) - 7 if tonic in names else 0, is_minor)
