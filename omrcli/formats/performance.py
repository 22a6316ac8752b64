"""A score as it is played: measures unrolled by the one rule of `score.play_order`, notes in time.

MusicXML documents and scores are both brought into a `Piece`, so that both are played the same.
Ties are joined, fermatas do not sound, and grace notes come shortly before their beat, in time
taken from the note before.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from omrcli.score.play_order import Flow, play_order

#: Velocity of a note where no dynamics are known.
VELOCITY = 80
#: Quarter notes a minute where the source tells no tempo: what players assume in that case.
DEFAULT_TEMPO = 120.0
#: Longest a grace note sounds, in quarter notes.
GRACE_LENGTH = Fraction(1, 8)
#: Where percussion is played, counted from 0.
DRUM_CHANNEL = 9


@dataclass(frozen=True)
class Tone:
    """A pitch: its MIDI key, and what tells it from others in a tie, such as its spelling."""

    name: Hashable
    key: int


@dataclass(frozen=True)
class Stroke:
    """A note, chord, grace note or rest (no `tones`) in a measure; times are in quarter notes.

    `onset` counts from the start of the measure; ties hold the names of tones.
    """

    onset: Fraction
    length: Fraction
    tones: tuple[Tone, ...] = ()
    tie_starts: frozenset[Hashable] = frozenset()
    tie_stops: frozenset[Hashable] = frozenset()
    grace: bool = False
    velocity: int = VELOCITY


@dataclass(frozen=True)
class Bar:
    """What all parts share of a measure.

    `length` is in quarter notes, `meter` a count and unit; `keys` (sharps, or flats if negative)
    and `tempos` (quarter notes a minute) are by onset, and at 0 tell what is in force there.
    """

    length: Fraction
    meter: tuple[int, int] | None = None
    keys: Mapping[Fraction, int] = field(default_factory=dict)
    tempos: Mapping[Fraction, float] = field(default_factory=dict)
    flow: Flow = field(default_factory=Flow)


@dataclass(frozen=True)
class PartMusic:
    """A part: `measures` hold the strokes of each voice, in order; `program` counts from 0."""

    measures: Sequence[Mapping[Hashable, Sequence[Stroke]]]
    name: str = ""
    program: int = 0
    is_drums: bool = False


@dataclass(frozen=True)
class Piece:
    """All that is played; every part has as many measures as there are `bars`."""

    bars: Sequence[Bar]
    parts: Sequence[PartMusic]
    title: str | None = None


@dataclass
class Sound:
    """A sounding note: MIDI key, start and end in quarter notes from the start of the piece."""

    key: int
    start: Fraction
    end: Fraction
    velocity: int = VELOCITY


def played_bars(bars: Sequence[Bar]) -> Iterator[tuple[Fraction, int]]:
    """The start of each measure, in quarter notes, and its index, as they are played."""
    start = Fraction(0)
    for index in play_order([bar.flow for bar in bars]):
        yield start, index
        start += bars[index].length


def part_sounds(bars: Sequence[Bar], part: PartMusic) -> list[Sound]:
    """The notes of a part as they sound, in order of their start."""
    ties: dict[tuple[Hashable, Hashable], Sound] = {}
    voices: dict[Hashable, _Player] = {}
    sounds: list[Sound] = []
    before, end = -1, Fraction(0)
    for start, index in played_bars(bars):
        if index != before + 1:
            ties.clear()  # no tie leads back to a repeat sign
        before, end = index, start + bars[index].length
        for voice, strokes in part.measures[index].items():
            player = voices.setdefault(voice, _Player(voice, sounds, ties))
            for stroke in strokes:
                player.play(stroke, start + stroke.onset)
    for player in voices.values():
        player.play_graces(end)
    return sorted(sounds, key=lambda sound: (sound.start, sound.key))


class _Player:
    """Plays the strokes of a voice in order; grace notes wait for the note that they lead to.

    `sounds` and `ties`, notes that wait for the other end of their tie by voice and name, are
    shared by all voices of a part.
    """

    def __init__(
        self,
        voice: Hashable,
        sounds: list[Sound],
        ties: dict[tuple[Hashable, Hashable], Sound],
    ) -> None:
        self._voice = voice
        self._sounds = sounds
        self._ties = ties
        self._graces: list[Stroke] = []
        self._last: list[Sound] = []
        self._onset = Fraction(0)

    def play(self, stroke: Stroke, onset: Fraction) -> None:
        """Play a stroke at `onset` quarter notes from the start of the piece."""
        if stroke.grace:
            self._graces.append(stroke)
            return
        delay = self.play_graces(onset, stroke.length)
        self._last = self._sound(stroke, onset + delay, onset + stroke.length)
        self._onset = onset

    def play_graces(self, onset: Fraction, following: Fraction = Fraction(0)) -> Fraction:
        """Play the waiting grace notes before `onset`; returns by how much the note is late.

        They take at most half of what is before. At the very start there is nothing, so that they
        take up to half of the note that follows.
        """
        graces, self._graces = self._graces, []
        if not graces:
            return Fraction(0)
        before = max(Fraction(0), onset - self._onset) / 2
        length = min(GRACE_LENGTH, (before or following / 2 or GRACE_LENGTH) / len(graces))
        start = onset - len(graces) * length if before else onset
        kept = list(self._ties.values())
        for sound in self._last:
            if sound.end > start and not any(sound is tied for tied in kept):
                sound.end = start
        for place, grace in enumerate(graces):
            self._sound(grace, start + place * length, start + (place + 1) * length)
        return Fraction(0) if before else len(graces) * length

    def _sound(self, stroke: Stroke, start: Fraction, end: Fraction) -> list[Sound]:
        """Sound each tone of a stroke, or let go on those that are tied from before."""
        sounds = []
        tied: dict[Hashable, Sound] = {}
        for tone in stroke.tones:
            sound = self._held(tone.name, start) if tone.name in stroke.tie_stops else None
            if sound is None:
                sound = Sound(tone.key, start, end, stroke.velocity)
                self._sounds.append(sound)
            sound.end = end
            sounds.append(sound)
            if tone.name in stroke.tie_starts:
                tied[tone.name] = sound
        # A grace note may stand between the two notes of a tie, and another voice may end it.
        for (voice, name), sound in () if stroke.grace else list(self._ties.items()):
            if voice == self._voice and sound.end < start:
                del self._ties[voice, name]
        self._ties.update({(self._voice, name): sound for name, sound in tied.items()})
        return sounds

    def _held(self, name: Hashable, start: Fraction) -> Sound | None:
        """The note of this voice, or else of another, whose tie leads here."""
        own = self._ties.pop((self._voice, name), None)
        if own is not None:
            return own
        others = (key for key, sound in self._ties.items() if key[1] == name and sound.end == start)
        other = next(others, None)
        return None if other is None else self._ties.pop(other)
