"""ONNX file -> its metadata, and whether it names other files, by walking its protobuf.

Listing and verifying models then costs neither the ONNX runtime (0.3 s to import) nor the `onnx`
package, and the weights are seeked past, not read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from omrcli.errors import ModelError

_METADATA_FIELD = 14  # ModelProto.metadata_props
#: A spec takes some 50 kB, most of it the names of its units.
MAX_METADATA = 4 << 20
#: Top-level fields: the graph, a few metadata, functions.
_MAX_FIELDS = 10_000
#: Where a message of a kind holds others: field number -> kind (onnx.proto, IR version 13).
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL_DATA = 13  # TensorProto.external_data
_MAX_DEPTH = 40


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata_props of an ONNX file.

    Raises:
        ModelError: the file cannot be read or is no ONNX model.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            entries = [_read_fields(raw) for raw in _top_level(stream, size, _METADATA_FIELD)]
            return {entry[1].decode(): entry.get(2, b"").decode() for entry in entries}
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}; check the file.") from error
    except (ValueError, KeyError) as error:
        raise ModelError(
            f"{path} is no ONNX model, or a damaged one; export or install it again."
        ) from error


def check_alone(path: Path) -> None:
    """Check that an ONNX file keeps its weights in itself: a path in it could name any file.

    Raises:
        ModelError: it names other files, cannot be read, or is no ONNX model.
    """
    try:
        with path.open("rb") as stream:
            external = _names_files(stream, "model", path.stat().st_size, 0)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror}; check the file.") from error
    except ValueError as error:
        raise ModelError(
            f"{path} is no ONNX model, or a damaged one; export or install it again."
        ) from error
    if external:
        raise ModelError(
            f"{path} keeps weights in other files, which is not allowed; export it again."
        )


def _names_files(stream: BinaryIO, kind: str, end: int, depth: int) -> bool:
    """Whether a message, which the stream stands at and which ends at `end`, names a file."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if kind == "tensor":
        return any(number == _EXTERNAL_DATA for number, *_ in _walk(stream, end))
    for number, wire, start, stop in _walk(stream, end):
        inner = _PARTS[kind].get(number)
        if inner and wire == 2:
            stream.seek(start)
            if _names_files(stream, inner, stop, depth + 1):
                return True
    return False


def set_metadata(content: bytes, key: str, value: str) -> bytes:
    """An ONNX file's content with one entry of its metadata_props replaced or added.

    A protobuf message may be extended by appending fields, so no package is needed for it.

    Raises:
        ModelError: the content is no ONNX model.
    """
    try:
        kept = [
            raw
            for number, raw in _split_top_level(content)
            if number != _METADATA_FIELD or _entry_key(raw) != key
        ]
    except (ValueError, KeyError) as error:
        raise ModelError("This is no ONNX model, or a damaged one; export it again.") from error
    entry = _field(1, key.encode()) + _field(2, value.encode())
    return b"".join([*kept, _field(_METADATA_FIELD, entry)])


def _split_top_level(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and raw bytes, tag included, of each top-level field."""
    start = 0
    for number, _, _, end in _walk(io.BytesIO(content), len(content)):
        yield number, content[start:end]
        start = end


def _entry_key(raw: bytes) -> str:
    """The key of a raw metadata entry."""
    stream = io.BytesIO(raw)
    _read_varint(stream)
    length = _payload_length(stream, 2)
    return _read_fields(stream.read(length))[1].decode()


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _top_level(stream: BinaryIO, size: int, wanted: int) -> Iterator[bytes]:
    """Yield the raw bytes of one top-level message field, seeking past all others."""
    left = MAX_METADATA
    for count, (number, wire, start, end) in enumerate(_walk(stream, size)):
        if count > _MAX_FIELDS:
            raise ValueError("too many fields")
        if number == wanted and wire == 2:
            left -= end - start
            if left < 0:
                raise ValueError("too much metadata")
            yield stream.read(end - start)


def _walk(stream: BinaryIO, size: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, and where the payload starts and ends, of each field before `size`.

    The stream then stands at the payload, which may be read or not.
    """
    while stream.tell() < size and (tag := _read_varint(stream)) is not None:
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field number 0")
        length = _payload_length(stream, wire)
        start = stream.tell()
        if start + length > size:
            raise ValueError("truncated")
        yield number, wire, start, start + length
        stream.seek(start + length)


def _payload_length(stream: BinaryIO, wire: int) -> int:
    """Return how many bytes of payload follow a tag; a varint's own are read here."""
    if wire == 0:
        _read_varint(stream)
        return 0
    if wire == 2:
        length = _read_varint(stream)
        if length is None:
            raise ValueError("truncated")
        return length
    if wire in (1, 5):
        return 8 if wire == 1 else 4
    raise ValueError(f"wire type {wire}")


def _read_varint(stream: BinaryIO) -> int | None:
    """Return the next variable-length integer, or None at the end of the stream."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            if shift:
                raise ValueError("truncated")
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("varint too long")


def _read_fields(raw: bytes) -> dict[int, bytes]:
    """Return the length-delimited fields of a small message, by number."""
    stream = io.BytesIO(raw)
    found: dict[int, bytes] = {}
    while (tag := _read_varint(stream)) is not None:
        if tag & 7 != 2:
            raise ValueError(f"wire type {tag & 7}")
        found[tag >> 3] = stream.read(_read_varint(stream) or 0)
    return found
