"""Whatever is cut off or changed in a file: a page, or a sentence that names the file."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from omrcli.errors import InputError
from omrcli.pages import image
from omrcli.pages.image import decode_image, load_pages
from omrcli.pages.image_formats import FORMATS
from tests.drawn import draw_page

PAGE = draw_page(1, 300)


def encode(kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PAGE).save(out, kind)
    return out.getvalue()


FILES = {kind: encode(kind) for kind in FORMATS}


def check_sentence(error: InputError, name: str) -> None:
    text = str(error)
    assert text.startswith(name)
    assert text.endswith(".")
    assert "; " in text
    assert "\n" not in text


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(sorted(FILES)), share=st.floats(0, 0.95))
def test_files_cut_short_are_refused(kind: str, share: float) -> None:
    data = FILES[kind]
    with pytest.raises(InputError) as caught:
        decode_image(data[: int(share * len(data))], "scan.png")
    check_sentence(caught.value, "scan.png")


@settings(max_examples=50, deadline=None)
@given(kind=st.sampled_from(sorted(FILES)), share=st.floats(0, 1), bytes_=st.binary(max_size=8))
def test_changed_bytes_are_refused_or_give_a_page(kind: str, share: float, bytes_: bytes) -> None:
    data = FILES[kind]
    at = int(share * len(data))
    try:
        pages = decode_image(data[:at] + bytes_ + data[at + len(bytes_) :], "scan.png")
    except InputError as error:
        check_sentence(error, "scan.png")
    else:
        assert all(page.pixels.ndim == 2 and page.pixels.dtype == np.uint8 for page in pages)


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode_image(data, "scan.png")
    check_sentence(caught.value, "scan.png")


def fail_reading(error: Exception) -> Callable[[Path], bytes]:
    def fail(_path: Path) -> bytes:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [PermissionError(13, "Permission denied"), OSError(5, "Input/output error"), OSError()],
    ids=["permission", "disk", "no reason"],
)
def test_files_that_fail_while_read(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", fail_reading(error))
    with pytest.raises(InputError) as caught:
        load_pages(tmp_path / "scan.png")
    check_sentence(caught.value, str(tmp_path / "scan.png"))


@pytest.mark.parametrize("error", [SyntaxError("chunk"), OverflowError(), EOFError(), OSError()])
def test_decoders_that_fail_oddly(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_picture: Image.Image) -> None:
        raise error

    monkeypatch.setattr(image, "_to_grey", fail)
    with pytest.raises(InputError, match="damaged") as caught:
        decode_image(FILES["PNG"], "scan.png")
    check_sentence(caught.value, "scan.png")
