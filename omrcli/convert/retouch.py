"""A MusicXML document with another title, composer or tempo, or without its line breaks."""

from __future__ import annotations

from copy import deepcopy
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from omrcli.formats.musicxml import DOCTYPE, metronome, printable
from omrcli.score.score import ExportOptions

_CREDITS = {"title": ("center", "bold"), "composer": ("right", "normal")}
_BREAKS = ("new-system", "new-page", "blank-page", "page-number")
_LAYOUTS = ("page-layout", "system-layout", "staff-layout", "measure-layout")
#: What the schema has before the element in question, in a `score-partwise`.
_BEFORE_IDENTIFICATION = ("work", "movement-number", "movement-title")


def retouch(root: Element, options: ExportOptions) -> bytes:
    """The document with what the options say, all else as it was; `root` is not changed."""
    root = deepcopy(root)
    if options.title:
        _set_title(root, printable(options.title))
    if options.composer:
        _set_composer(root, printable(options.composer))
    if options.tempo:
        _set_tempo(root, options.tempo)
    if not options.layout:
        _drop_layout(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def add_credits(root: Element) -> None:
    """Say title and composer as printed words, where a document has none: Verovio draws the
    composer only if it is one of these, and a title alone in any case."""
    title = root.findtext("work/work-title") or root.findtext("movement-title")
    composer = root.findtext("identification/creator[@type='composer']")
    if root.find("credit") is not None or not composer:
        return
    place = next(i for i, element in enumerate(root) if element.tag == "part-list")
    for kind, words in (("composer", composer), ("title", title)):
        if words:
            credit = Element("credit", page="1")
            SubElement(credit, "credit-type").text = kind
            justify, weight = _CREDITS[kind]
            look = {"justify": justify, "halign": justify, "valign": "top", "font-weight": weight}
            SubElement(credit, "credit-words", look).text = words
            root.insert(place, credit)


def _set_title(root: Element, title: str) -> None:
    work = root.find("work")
    if work is None:
        work = Element("work")
        root.insert(0, work)
    element = work.find("work-title")
    if element is None:
        element = Element("work-title")
        work.insert(int(work.find("work-number") is not None), element)
    element.text = title
    for movement in root.iterfind("movement-title"):  # some programs show this one
        movement.text = title
    _set_credit(root, "title", title)


def _set_composer(root: Element, composer: str) -> None:
    identification = root.find("identification")
    if identification is None:
        identification = Element("identification")
        place = sum(root.find(tag) is not None for tag in _BEFORE_IDENTIFICATION)
        root.insert(place, identification)
    creators = identification.findall("creator[@type='composer']")
    if not creators:
        creators = [Element("creator", type="composer")]
        identification.insert(0, creators[0])
    for other in creators[1:]:
        identification.remove(other)
    creators[0].text = composer
    _set_credit(root, "composer", composer)


def _set_credit(root: Element, kind: str, text: str) -> None:
    """Change the words that a program printed on the page for it."""
    for credit in root.iterfind("credit"):
        if credit.findtext("credit-type") == kind:
            words = credit.findall("credit-words")
            for word in words[1:]:
                credit.remove(word)
            if words:
                words[0].text = text


def _set_tempo(root: Element, tempo: float) -> None:
    measure = root.find("part/measure")
    if measure is None:
        return
    for element in list(measure):
        if element.tag == "note":
            break
        if element.tag == "direction" and _is_tempo(element):
            measure.remove(element)
    place = 0
    for index, element in enumerate(measure):
        if element.tag in ("print", "attributes", "barline"):
            place = index + 1
        elif element.tag == "note":
            break
    measure.insert(place, metronome(tempo))


def _is_tempo(direction: Element) -> bool:
    sound = direction.find("sound")
    return direction.find("direction-type/metronome") is not None or (
        sound is not None and sound.get("tempo") is not None
    )


def _drop_layout(root: Element) -> None:
    for measure in root.iterfind("part/measure"):
        for element in measure.findall("print"):
            for name in _BREAKS:
                element.attrib.pop(name, None)
            for tag in _LAYOUTS:
                for child in element.findall(tag):
                    element.remove(child)
            if not element.attrib and not len(element):
                measure.remove(element)
    for encoding in root.iterfind("identification/encoding"):
        for supports in encoding.findall("supports"):
            if supports.get("attribute") in _BREAKS:
                encoding.remove(supports)
