"""A score as a standard MIDI file, repeats played. The only module that writes MIDI, with mido,
which is imported on first use. Two runs write the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from omrcli.score.measures import Measure, Part
from omrcli.score.notation import NotedEvent, note_events
from omrcli.score.play_order import part_flows
from omrcli.score.score import ExportOptions, Score
from omrcli.tokens import KEY_NAMES, KeySignature

from .performance import (
    DEFAULT_TEMPO,
    DRUM_CHANNEL,
    Bar,
    PartMusic,
    Piece,
    Stroke,
    Tone,
    part_sounds,
    played_bars,
)

#: Ticks of a quarter note: triplets, quintuplets and 128th notes are whole numbers of them.
TICKS = 960


def midi_bytes(score: Score, options: ExportOptions | None = None) -> bytes:
    """The score as a MIDI file of format 1: tempo and signatures, then a track for each part."""
    return piece_bytes(score_piece(score, options or ExportOptions()))


def piece_bytes(piece: Piece) -> bytes:
    """The piece as a MIDI file, with a named track and an instrument for each part."""
    from mido import MidiFile

    file = MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    end = sum((piece.bars[index].length for _, index in played_bars(piece.bars)), Fraction(0))
    file.tracks.append(_track(list(_conductor(piece)), end))
    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    pitched = 0
    for number, part in enumerate(piece.parts, 1):
        # A channel of its own for each part, as far as there are any.
        channel = DRUM_CHANNEL if part.is_drums else channels[pitched % len(channels)]
        pitched += not part.is_drums
        name = part.name or f"Part {number}"
        file.tracks.append(_track(_part_messages(piece.bars, part, name, channel), end))
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def score_piece(score: Score, options: ExportOptions) -> Piece:
    """The score as it is played."""
    parts = score.parts or (Part(()),)
    flows = part_flows(parts)
    tempo = {Fraction(0): options.tempo or DEFAULT_TEMPO}
    bars = [
        Bar(
            max(part.measures[at].actual for part in parts if at < len(part.measures)),
            _meter(parts[0].measures[at]) if at < len(parts[0].measures) else None,
            dict(_keys(parts[0].measures[at])) if at < len(parts[0].measures) else {},
            tempo,
            flow,
        )
        for at, flow in enumerate(flows)
    ]
    music = [PartMusic(_strokes(part, len(bars))) for part in parts]
    return Piece(bars, music, options.title or score.title)


def _meter(measure: Measure) -> tuple[int, int] | None:
    """The meter of a measure; a pickup is a measure of its own length."""
    if measure.status == "pickup":
        return _plain_meter(measure.actual / 4)
    time = measure.time
    return _plain_meter(Fraction(time.beats, time.unit), time.unit) if time else None


def _plain_meter(length: Fraction, unit: int = 1) -> tuple[int, int] | None:
    """A meter of `length` whole notes; None where MIDI cannot say it, as with 2/48."""
    unit = max(unit, length.denominator)
    beats = length * unit
    if unit & (unit - 1) or beats.denominator != 1 or beats > 255:
        return None
    return int(beats), unit


def _keys(measure: Measure) -> Iterator[tuple[Fraction, int]]:
    if measure.key is not None:
        yield Fraction(0), measure.key.fifths
    for change in measure.changes:
        if isinstance(change.symbol, KeySignature):
            yield change.onset, change.symbol.fifths


def _strokes(part: Part, count: int) -> list[dict[Hashable, list[Stroke]]]:
    """The strokes of each measure, in one voice."""
    measures: list[dict[Hashable, list[Stroke]]] = [
        {0: [_stroke(item) for item in noted]} for noted in note_events(part)
    ]
    return measures + [{} for _ in range(count - len(measures))]


def _stroke(noted: NotedEvent) -> Stroke:
    event = noted.event
    return Stroke(
        event.onset,
        event.duration,
        tuple(Tone(pitch, pitch.midi) for pitch in event.pitches),
        frozenset(noted.tie_starts),
        frozenset(noted.tie_stops),
        event.kind == "grace",
    )


def _conductor(piece: Piece) -> Iterator[tuple[int, Any]]:
    """Title, tempos and signatures, each where it changes from what was played before."""
    from mido import MetaMessage, bpm2tempo

    if piece.title:
        yield 0, MetaMessage("track_name", name=piece.title)
    if not piece.bars:
        yield 0, MetaMessage("set_tempo", tempo=round(bpm2tempo(DEFAULT_TEMPO)))
    tempo, key, meter = 0.0, 0, None
    for start, index in played_bars(piece.bars):
        bar = piece.bars[index]
        for onset in sorted({*bar.tempos, *bar.keys, Fraction(0)}):
            tick = _ticks(start + onset)
            if bar.tempos.get(onset, tempo) != tempo:
                tempo = bar.tempos[onset]
                yield tick, MetaMessage("set_tempo", tempo=round(bpm2tempo(tempo)))
            if bar.keys.get(onset, key) != key:
                key = bar.keys[onset]
                name = KEY_NAMES[key].removesuffix("M")
                yield tick, MetaMessage("key_signature", key=name)
            if onset == 0 and bar.meter not in (None, meter):
                meter = bar.meter
                beats, unit = meter
                yield tick, MetaMessage("time_signature", numerator=beats, denominator=unit)


def _part_messages(
    bars: Sequence[Bar], part: PartMusic, name: str, channel: int
) -> list[tuple[int, Any]]:
    from mido import Message, MetaMessage

    opening = [
        (0, MetaMessage("track_name", name=name)),
        (0, Message("program_change", channel=channel, program=part.program)),
    ]
    timed = []
    for sound in part_sounds(bars, part):
        if 0 <= sound.key <= 127:
            on = _ticks(sound.start)
            off = max(_ticks(sound.end), on + 1)
            place = {"channel": channel, "note": sound.key}
            timed.append((on, Message("note_on", velocity=sound.velocity, **place)))
            timed.append((off, Message("note_off", velocity=0, **place)))
    # At the same tick a note ends before the next begins.
    timed.sort(key=lambda pair: (pair[0], pair[1].type == "note_on", pair[1].note))
    return opening + timed


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
