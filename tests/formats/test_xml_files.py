"""Files made to harm: each is refused with a sentence, before it can take memory or time."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from omrcli.errors import InputError
from omrcli.formats import xml_files
from omrcli.formats.xml_files import parse_score, parse_xml, read_bytes, unpack_score

SCORE = b"<score-partwise><part><measure/></part></score-partwise>"
DOCTYPE = (
    b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    b'"http://www.musicxml.org/dtds/partwise.dtd">'
)
CONTAINER = '<container><rootfiles><rootfile full-path="{}"/></rootfiles></container>'


def packed(members: dict[str, bytes | str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def laughs(depth: int = 9) -> bytes:
    """Entities that would expand to a billion."""
    lines = ['<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, depth + 1)]
    text = "<!DOCTYPE score-partwise [" + "".join(lines) + f"]><score-partwise>&a{depth};"
    return (text + "</score-partwise>").encode()


EXTERNAL = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
PARAMETER = b'<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x.dtd"> %e;]><a/>'


@pytest.mark.parametrize(
    "data",
    [
        laughs(),
        laughs().decode().encode("utf-16"),
        EXTERNAL,
        PARAMETER,
        DOCTYPE + b"<score-partwise>&unknown;</score-partwise>",
        b'<!DOCTYPE a [<!ENTITY e "x"><!ELEMENT a ANY>]><a/>',
    ],
    ids=["laughs", "laughs-utf-16", "external", "parameter", "skipped", "unused"],
)
def test_entities_are_refused_at_once(data):
    start = time.process_time()
    with pytest.raises(InputError, match=r"^bad\.xml declares XML entities; remove its document"):
        parse_xml(data, "bad.xml")
    assert time.process_time() - start < 1


def test_a_plain_document_type_is_no_entity():
    assert parse_xml(DOCTYPE + SCORE, "good.xml").tag == "score-partwise"


def test_namespaces_attributes_and_text_are_those_of_elementtree():
    text = '<a xmlns="urn:x" xmlns:y="urn:y" y:b="1" c="é&amp;&lt;"><d>t</d>tail</a>'
    root = parse_xml(text.encode(), "n.xml")
    assert root.tag == "{urn:x}a"
    assert root.attrib == {"{urn:y}b": "1", "c": "é&<"}
    assert (root[0].tag, root[0].text, root[0].tail) == ("{urn:x}d", "t", "tail")


def test_deep_nesting_is_refused():
    deep = b"<a>" * 1_000_000 + b"</a>" * 1_000_000
    with pytest.raises(InputError, match="nested too deep"):
        parse_xml(deep, "deep.xml")


def test_more_elements_than_any_score_are_refused(monkeypatch):
    monkeypatch.setattr(xml_files, "MAX_ELEMENTS", 100)
    with pytest.raises(InputError, match="more elements than any score"):
        parse_xml(b"<a>" + b"<b/>" * 101 + b"</a>", "many.xml")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"<a",
        b"<a></b>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>\xff",
    ],
)
def test_what_is_no_xml_is_an_input_error(data):
    with pytest.raises(InputError, match=r"^Cannot read bad\.xml as MusicXML: .+; check the file"):
        parse_xml(data, "bad.xml")


def test_a_large_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_files, "MAX_BYTES", 2**20)
    path = tmp_path / "large.musicxml"
    with path.open("wb") as file:
        file.truncate(2**20 + 1)
    with pytest.raises(InputError, match=r"large\.musicxml is larger than 1 MiB"):
        read_bytes(path)


def test_an_endless_file_is_refused(monkeypatch):
    monkeypatch.setattr(xml_files, "MAX_BYTES", 2**20)
    with pytest.raises(InputError, match="/dev/zero is larger than 1 MiB"):
        read_bytes(xml_files.Path("/dev/zero"))


@pytest.mark.parametrize("name", ["none.xml", "x" * 5000 + ".xml", "nul\0.xml", "."])
def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path, name):
    with pytest.raises(InputError, match=r"^Cannot read "):
        read_bytes(tmp_path / name)


# --- archives -------------------------------------------------------------------------------------


def test_an_archive_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(xml_files, "MAX_BYTES", 2**20)
    bomb = packed({"score.xml": b"<a>" + b" " * 2**23 + b"</a>"})
    assert len(bomb) < 2**14
    with pytest.raises(InputError, match=r"bomb\.mxl unpacks to more than 1 MiB"):
        unpack_score(bomb, "bomb.mxl")


def test_an_archive_that_lies_about_its_size_is_refused(monkeypatch):
    monkeypatch.setattr(xml_files, "MAX_BYTES", 2**20)
    bomb = bytearray(packed({"score.xml": b" " * 2**23}))
    real, told = (2**23).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    with pytest.raises(InputError):
        unpack_score(bytes(bomb).replace(real, told), "bomb.mxl")


@pytest.mark.parametrize(
    "name",
    ["../score.xml", "/etc/score.xml", "a/../../score.xml", "..\\score.xml", "C:\\score.xml"],
)
def test_names_that_lead_out_of_an_archive_are_refused(name):
    with pytest.raises(InputError, match=r"in\.mxl names a file outside of itself"):
        parse_score(packed({name: SCORE}), "in.mxl")
    members = {"META-INF/container.xml": CONTAINER.format(name), "a.xml": SCORE, "b.xml": SCORE}
    with pytest.raises(InputError, match=r"in\.mxl names a file outside of itself"):
        parse_score(packed(members), "in.mxl")


def test_the_container_names_the_score_among_several():
    other = SCORE.replace(b"measure", b"other")
    members = {"a.xml": other, "b.xml": SCORE, "META-INF/container.xml": CONTAINER.format("b.xml")}
    assert parse_score(packed(members), "in.mxl").find("part/measure") is not None


def test_a_container_with_entities_is_refused():
    members = {"META-INF/container.xml": laughs(), "a.xml": SCORE, "b.xml": SCORE}
    with pytest.raises(InputError, match="declares XML entities"):
        parse_score(packed(members), "in.mxl")


def test_an_encrypted_archive_is_refused():
    data = bytearray(packed({"score.xml": SCORE}))
    data[6] |= 1  # the flag, in the local header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="encrypted or packed in an unusual way"):
        unpack_score(bytes(data), "secret.mxl")


def test_damaged_archives_are_input_errors():
    data = packed({"score.xml": SCORE * 20})
    messages = []
    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        for bad in (damaged, data[:place]):
            try:
                parse_score(bad, "bad.mxl")
            except InputError as error:
                messages.append(str(error))
    assert messages
    assert all("bad.mxl" in message for message in messages)
