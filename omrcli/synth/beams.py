"""Children of an MEI layer -> the layer's text, with tuplets and beams around those that share
one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from omrcli.tokens import DURATIONS, Duration, TimeSignature

from .rhythm import beat_of


@dataclass(frozen=True)
class LayerItem:
    """A child of a layer: its MEI text, and its duration if it is a note, chord or rest.

    `beamable` notes have flags or beams; `grace` notes take no time.
    """

    xml: str
    duration: Duration | None = None
    beamable: bool = False
    grace: bool = False

    @property
    def quarters(self) -> Fraction:
        """Time taken, in quarter notes."""
        return self.duration.quarters if self.duration and not self.grace else Fraction(0)


@dataclass(frozen=True)
class Grouping:
    """How a measure is grouped: beams end at multiples of `window` quarter notes (0: no beams)
    from `start`; `brackets` asks for a bracket on every tuplet."""

    window: Fraction
    start: Fraction = Fraction(0)
    brackets: bool = False
    beam_graces: bool = True


def beam_window(meter: TimeSignature | None, beats: int) -> Fraction:
    """Length of a beam of so many beats, in quarter notes; a beat of 6/8 is a dotted quarter."""
    return max(Fraction(1), beat_of(meter)) * beats


def group_items(items: Sequence[LayerItem], grouping: Grouping) -> str:
    """The text of a layer. A beam never leaves its tuplet, and grace notes have their own."""
    xml = ""
    at = grouping.start
    for run in split_tuplets(items):
        length = sum((item.quarters for item in run), Fraction(0))
        ratio = next(filter(None, map(_ratio, run)), None)
        whole = ratio is not None and length <= grouping.window  # never broken off the beat
        beamed = "".join(_beam(run, Fraction(0) if whole else at, grouping))
        if ratio:
            bracket = ' bracket.visible="true"' if grouping.brackets else ""
            heads = f'num="{ratio[0]}" numbase="{ratio[1]}" num.visible="true"{bracket}'
            beamed = f"<tuplet {heads}>{beamed}</tuplet>"
        xml += beamed
        at += length
    return xml


def split_tuplets(items: Sequence[LayerItem]) -> Iterator[list[LayerItem]]:
    """Runs of items: each tuplet on its own, what lies between them together.

    A tuplet N:M is full when its written length divided by N is a plain note value no shorter
    than its shortest member.
    """
    run: list[LayerItem] = []
    ratio: tuple[int, int] | None = None
    for item in items:
        own = _ratio(item)
        timed = item.duration is not None and not item.grace
        if run and timed and own != ratio:
            # Grace notes belong to the note that follows them.
            keep = len(run)
            while keep and run[keep - 1].grace:
                keep -= 1
            if keep:
                yield run[:keep]
            run = run[keep:]
        if timed:
            ratio = own
        run.append(item)
        if ratio and timed and _is_full(run, ratio):
            yield run
            run, ratio = [], None
    if run:
        yield run


def _ratio(item: LayerItem) -> tuple[int, int] | None:
    return item.duration.tuplet if item.duration and not item.grace else None


def _is_full(run: Sequence[LayerItem], ratio: tuple[int, int]) -> bool:
    members = [item.duration for item in run if item.duration and not item.grace]
    written = sum((d.quarters for d in members), Fraction(0)) * ratio[0] / ratio[1]
    shortest = min(DURATIONS[d.base] for d in members)
    return written / ratio[0] in DURATIONS.values() and written / ratio[0] >= shortest


def _beam(run: Sequence[LayerItem], at: Fraction, grouping: Grouping) -> Iterator[str]:
    """The run with its beams; `at` is its start, in quarter notes."""
    beam: list[list[LayerItem]] = []  # notes, each behind its grace notes
    graces: list[LayerItem] = []
    window = -1
    for item in run:
        if item.grace:
            graces.append(item)
            continue
        place = int(at // grouping.window) if grouping.window else -1
        if beam and not (item.beamable and place == window):
            yield _close_beam(beam, grouping)
            beam = []
        if item.beamable and grouping.window:
            beam.append([*graces, item])
        else:
            yield _grace_group(graces, grouping) + item.xml
        graces, window = [], place
        at += item.quarters
    if beam:
        yield _close_beam(beam, grouping)
    yield _grace_group(graces, grouping)


def _close_beam(beam: Sequence[Sequence[LayerItem]], grouping: Grouping) -> str:
    first = _grace_group(beam[0][:-1], grouping)
    inner = beam[0][-1].xml
    for *graces, note in beam[1:]:
        inner += _grace_group(graces, grouping) + note.xml
    return first + (f"<beam>{inner}</beam>" if len(beam) > 1 else inner)


def _grace_group(graces: Sequence[LayerItem], grouping: Grouping) -> str:
    inner = "".join(item.xml for item in graces)
    if len(graces) > 1:
        beamed = grouping.beam_graces and all(item.beamable for item in graces)
        return f"<graceGrp>{f'<beam>{inner}</beam>' if beamed else inner}</graceGrp>"
    return inner
