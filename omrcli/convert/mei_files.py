"""MEI and Humdrum -> MusicXML: Verovio reads both as MEI of one form, music21 makes MusicXML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from omrcli.errors import InputError

from .midi_files import export_score
from .verovio_process import import_apart

_NAMESPACE = "http://www.music-encoding.org/ns/mei"
#: Elements of a staff definition and their attributes, which music21 knows as attributes of it.
_SIGNS = {
    "keySig": {"sig": "key.sig", "mode": "key.mode"},
    "meterSig": {"count": "meter.count", "unit": "meter.unit", "sym": "meter.sym"},
}


def read_mei(data: bytes, kind: str, name: str) -> bytes:
    """A score in MEI ("mei") or Humdrum ("krn") as MusicXML.

    Raises:
        InputError: the text is none of that kind, or holds what music21 does not know.
        MissingDependencyError: Verovio is not installed.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text; check that it is UTF-8.") from error
    if kind == "krn" and "**kern" not in text:
        raise InputError(f"{name} is no Humdrum score; check the file, or name its format.")
    mei = import_apart(text, "humdrum" if kind == "krn" else "mei", name)
    return export_score(
        lambda music21: music21.converter.parseData(_with_attributes(mei), format="mei"), name
    )


def _with_attributes(mei: str) -> str:
    """The document with key and meter as attributes of each staff definition."""
    ET.register_namespace("", _NAMESPACE)
    root = ET.fromstring(mei)
    for tag in ("staffDef", "scoreDef"):
        for definition in root.iter(f"{{{_NAMESPACE}}}{tag}"):
            for sign, names in _SIGNS.items():
                element = definition.find(f"{{{_NAMESPACE}}}{sign}")
                for old, new in names.items() if element is not None else ():
                    if element is not None and (value := element.get(old)) is not None:
                        definition.set(new, value)
    return ET.tostring(root, encoding="unicode")
