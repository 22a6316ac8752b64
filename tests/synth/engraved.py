"""Reads an engraving back: which sign stands where on the staff, from left to right."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
KINDS = {
    "note": "note", "chord": "note", "rest": "rest", "mRest": "rest", "multiRest": "multirest",
    "clef": "clef", "keySig": "key", "meterSig": "time", "barLine": "barline",
}  # fmt: skip
#: SMuFL code points of rests and heads, by the durations that they can mean.
RESTS = {
    "E4E1": "quadruple_whole", "E4E2": "double_whole", "E4E3": "whole", "E4E4": "half",
    "E4E5": "quarter", "E4E6": "eighth", "E4E7": "sixteenth", "E4E8": "thirty_second",
    "E4E9": "sixty_fourth", "E4EA": "hundred_twenty_eighth", "E4F4": "whole", "E4F5": "half",
    "E4F3": "double_whole",
}  # fmt: skip
HEADS = {
    "": "quadruple_whole",  # the only head that is drawn with strokes
    "E0A1": "double_whole",
    "E0A0": "double_whole",
    "E0A2": "whole",
    "E0A3": "half",
    "E0A4": "black",
}
ACCIDENTALS = {"E260": "f", "E261": "n", "E262": "s", "E263": "x", "E264": "ff"}


def read_engraving(svg: str) -> list[tuple[object, ...]]:
    """Signs by place: ("note", ((step, head, accidental), ...)), ("rest", name), ("clef",) ...

    Steps count from the lowest line up. Fermatas, ties and beams are left out.
    """
    page = ET.fromstring(svg).find(f"{SVG}svg")
    assert page is not None
    staff = next(g for g in page.iter(f"{SVG}g") if g.get("class") == "staff")
    lines = [float(p.get("d", "").split()[1]) for p in staff if p.tag == f"{SVG}path"][:5]
    signs = [_read(g, kind, lines) for g, kind in _groups(page) if _places(g)]
    return [sign for _, sign in sorted(signs, key=lambda sign: sign[0])]


def _groups(element: ET.Element) -> Iterator[tuple[ET.Element, str]]:
    for child in element:
        kinds = [KINDS[name] for name in child.get("class", "").split() if name in KINDS]
        if kinds:
            yield child, kinds[0]
        else:
            yield from _groups(child)


def _read(group: ET.Element, kind: str, lines: list[float]) -> tuple[float, tuple[object, ...]]:
    if kind == "note":
        notes = [group] if group.get("class") == "note" else _inside(group, "note")
        members = sorted(_read_note(note, lines) for note in notes)
        heads = [place for note in notes for place in _places(_inside(note, "notehead")[0])]
        return min(x for x, _, _ in heads), ("note", tuple(members))
    places = _places(group)
    if kind == "rest":
        return places[0][0], ("rest", RESTS[places[0][2]])
    return min(x for x, _, _ in places), (kind,)


def _read_note(note: ET.Element, lines: list[float]) -> tuple[int, str, str]:
    ((_, y, head),) = _places(_inside(note, "notehead")[0])
    accidentals = [p for g in _inside(note, "accid") for p in _places(g)]
    shown = ACCIDENTALS[accidentals[0][2]] if accidentals else ""
    return round((lines[4] - y) / (lines[4] - lines[0]) * 8), HEADS[head], shown


def _inside(group: ET.Element, name: str) -> list[ET.Element]:
    return [g for g in group.iter(f"{SVG}g") if g.get("class") == name]


def _places(group: ET.Element) -> list[tuple[float, float, str]]:
    """x, y and code point of each glyph, or of each stroke."""
    places = []
    for element in group.iter():
        if element.tag == f"{SVG}use":
            x, y = element.get("transform", "").split(")")[0].split("(")[1].split(",")
            places.append((float(x), float(y), element.get(HREF, "")[1:5]))
        elif element.tag == f"{SVG}path" and (numbers := element.get("d", "")[1:].split()):
            places.append((float(numbers[0]), float(numbers[1]), ""))
        elif element.tag == f"{SVG}rect":
            middle = float(element.get("y", 0)) + float(element.get("height", 0)) / 2
            places.append((float(element.get("x", 0)), middle, ""))
    return places
