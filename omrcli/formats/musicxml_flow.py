"""MusicXML -> what its measures say of the order of play: repeats, endings, D.C. and D.S."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from omrcli.score.play_order import MAX_PASSES, Flow

_NUMBERS = re.compile(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?")


def read_flows(parts: Sequence[Element]) -> list[Flow]:
    """One for each measure of parts in step.

    A repeat counts if at least half of the parts have it; endings and jumps, which programs write
    in the first part only, if any has them.
    """
    read = [list(_part_flows(part)) for part in parts]
    return [
        _merge([flows[at] for flows in read if at < len(flows)])
        for at in range(max(map(len, read), default=0))
    ]


def _merge(flows: Sequence[Flow]) -> Flow:
    return Flow(
        starts=2 * sum(flow.starts for flow in flows) >= len(flows),
        ends=2 * sum(flow.ends for flow in flows) >= len(flows),
        endings=next((flow.endings for flow in flows if flow.endings), frozenset()),
        jump=next((flow.jump for flow in flows if flow.jump), None),
        is_segno=any(flow.is_segno for flow in flows),
        is_fine=any(flow.is_fine for flow in flows),
        to_coda=any(flow.to_coda for flow in flows),
    )


@dataclass
class _Bracket:
    """The numbers of the bracket that is open, if one is."""

    numbers: frozenset[int] = frozenset()


def _part_flows(part: Element) -> Iterator[Flow]:
    measures = part.findall("measure")
    bracket = _Bracket()
    held: Flow | None = None
    starts_next = False
    for measure in measures:
        flow = _measure_flow(measure, bracket)
        if _repeats(measure, "left", "backward") and held is not None:
            held = replace(held, ends=True)
        if held is not None:
            yield held
        held = replace(flow, starts=flow.starts or starts_next)
        starts_next = _repeats(measure, "right", "forward")
    if held is not None:
        yield held


def _measure_flow(measure: Element, bracket: _Bracket) -> Flow:
    starts, ends = _repeats(measure, "left", "forward"), _repeats(measure, "right", "backward")
    endings = measure.findall("barline/ending")
    begun = [ending for ending in endings if ending.get("type") == "start"]
    if begun:
        bracket.numbers = _numbers(begun[0])
    elif starts:
        bracket.numbers = frozenset()
    numbers = bracket.numbers
    if ends or any(ending.get("type") != "start" for ending in endings):
        bracket.numbers = frozenset()
    sounds = [*measure.iterfind("sound"), *measure.iterfind("direction/sound")]
    signs = {name for sound in sounds for name, value in sound.items() if value != "no"}
    segno = "segno" in signs or measure.find("direction/direction-type/segno") is not None
    return Flow(
        starts=starts,
        ends=ends,
        endings=numbers,
        jump="capo" if "dacapo" in signs else "segno" if "dalsegno" in signs else None,
        is_segno=segno,
        is_fine="fine" in signs,
        to_coda="tocoda" in signs,
    )


def _repeats(measure: Element, location: str, direction: str) -> bool:
    return any(
        barline.find(f"repeat[@direction='{direction}']") is not None
        for barline in measure.findall("barline")
        if barline.get("location", "right") == location
    )


def _numbers(ending: Element) -> frozenset[int]:
    """The numbers of a bracket, such as "1, 2" or "1-3"."""
    numbers: set[int] = set()
    for first, last in _NUMBERS.findall(ending.get("number") or ending.text or ""):
        numbers.update(range(int(first), min(int(last or first), int(first) + MAX_PASSES) + 1))
    return frozenset(numbers - {0})
