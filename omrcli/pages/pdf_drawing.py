"""The process that opens a PDF and draws its pages, apart from the one that started it.

A PDF is a program: a few hundred bytes can ask for days of work or more memory than there is, and
the library that draws it can neither be stopped nor trusted not to crash. So it runs here, under
limits, and `pdf.py` ends it where it takes too long. The only module that imports pypdfium2.

`main` takes the limits, in bytes and seconds of processor time, from the command line. Requests are
lines of JSON on standard input: the document first, then pages. Each answer is a line of JSON, and
behind that of a drawn page are its px.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from ctypes import byref, c_float, c_uint
from itertools import islice
from operator import itemgetter
from typing import Any, BinaryIO

#: At 300 dpi an interline of 1.75 mm, that of most parts, has 20 px: more than any model reads.
DOTS_PER_INCH = 300.0
#: More than A3 at 300 dpi: some programs give a page one point a pixel, and it is then a poster.
USUAL_PIXELS = 20_000_000
ENCRYPTED, DAMAGED, MISSING, ODD_SIZE = "encrypted", "damaged", "missing", "odd size"

_POINTS_PER_INCH = 72
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
#: Share of the page from which one picture on it is a scan of it.
_SCAN_SHARE = 0.7
#: A scan of fewer px (A4 at 200 dpi) is enlarged: lines of one px do not survive the search.
_SCAN_PIXELS = 4_000_000
_MOST_ENLARGED = 2.0
#: A picture of fewer px holds no page of music: it is the colour of the paper, stretched.
_LEAST_SCAN_PIXELS = 10_000
#: The lines of two staves; those that programs add to a scan (a frame, a mark) are fewer.
_LEAST_LINES = 10
_PICTURE_DEPTH = 4  # pictures may be wrapped in forms


def main() -> None:
    """Answer requests until there are no more."""
    memory, seconds = (int(text) for text in sys.argv[1:3])
    answers = _keep_stdout()
    _stay_quiet()
    _limit_memory(memory)
    _limit_time(seconds)
    try:
        document = _open(sys.stdin.buffer)
    except Exception as error:
        _answer(answers, {"error": _name_problem(error)})
        return
    with closing(document):
        said = document.get_metadata_dict()
        title, author = (said.get(key, "") for key in ("Title", "Author"))
        _answer(answers, {"pages": len(document), "title": title, "author": author})
        for line in sys.stdin.buffer:
            _limit_time(seconds)
            _draw(document, json.loads(line), answers)


def _keep_stdout() -> BinaryIO:
    """Standard output for answers alone: whatever else is printed goes to standard error."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    return answers


def _stay_quiet() -> None:
    """Leave an interrupt of the terminal, which all its processes get, to the one that asks."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_memory(most: int) -> None:
    """Let the system refuse more memory, where it can."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: int) -> None:
    """Let the system end this process after more time: the one that asks may be gone by then."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(usage.ru_utime + usage.ru_stime) + seconds + 1
        limit = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _open(requests: BinaryIO) -> Any:
    """The document of the first request: a path, or so many bytes that follow."""
    import pypdfium2

    request = json.loads(requests.readline())
    path = request.get("path")
    document = pypdfium2.PdfDocument(requests.read(request["bytes"]) if path is None else path)
    with suppress(pypdfium2.PdfiumError):  # of its form: what stands on the pages is still there
        document.init_forms()  # else form fields stay white, and some programs draw pages in one
    return document


def _name_problem(error: Exception) -> str:
    if isinstance(error, ImportError):
        return MISSING
    code = getattr(error, "err_code", None)
    if code in (_PASSWORD, _SECURITY) or "password" in str(error).lower():
        return ENCRYPTED
    return DAMAGED


def _draw(document: Any, request: Mapping[str, Any], answers: BinaryIO) -> None:
    """Draw the page at `index`, at `dpi` or as is usual, within `most_pixels` and `most_side`.

    Without `dpi`, a scan keeps its px as far as it can, and a drawing has 300 dpi, or less where
    that were more than USUAL_PIXELS.
    """
    try:
        with closing(document[request["index"]]) as page:
            scan = _scan_dpi(page)
            usual = _usual_dpi(page) if scan is None else scan
            dpi = min(request["dpi"] or usual, _most_dpi(page, request))
            if min(page.get_size()) * dpi < request["least_side"] * _POINTS_PER_INCH:
                _answer(answers, {"error": ODD_SIZE})
                return
            with closing(page.render(scale=dpi / _POINTS_PER_INCH, grayscale=True)) as bitmap:
                _send(bitmap, dpi if scan is None else None, answers)
    # Besides the library's own: MemoryError, and ArithmeticError on pages of absurd sizes.
    except Exception:
        _answer(answers, {"error": DAMAGED})


def _send(bitmap: Any, dpi: float | None, answers: BinaryIO) -> None:
    """Send the first channel of a drawn page, which is grey."""
    pixels = memoryview(bitmap.buffer).cast("B")
    head = {"height": bitmap.height, "width": bitmap.width, "dpi": dpi}
    head |= {"stride": bitmap.stride, "channels": bitmap.n_channels}
    _answer(answers, head)
    answers.write(pixels)
    answers.flush()


def _answer(answers: BinaryIO, values: Mapping[str, Any]) -> None:
    answers.write(json.dumps(values).encode() + b"\n")
    answers.flush()


def _usual_dpi(page: Any) -> float:
    return min(DOTS_PER_INCH, _dpi_of(page, USUAL_PIXELS))


def _most_dpi(page: Any, request: Mapping[str, Any]) -> float:
    """The resolution at which the page is as large as it may be."""
    side = request["most_side"] * _POINTS_PER_INCH / max(1.0, *page.get_size())
    return min(_dpi_of(page, request["most_pixels"]), float(side))


def _dpi_of(page: Any, pixels: float) -> float:
    """The resolution at which the page has that many px."""
    width, height = page.get_size()
    return _POINTS_PER_INCH * math.sqrt(pixels / max(1.0, width * height))


def _scan_dpi(page: Any) -> float | None:
    """The resolution to draw a scan at, or None where the page is a drawing."""
    area = math.prod(page.get_size())
    pictures = list(_measure_pictures(page))
    strips = [found for found in pictures if found[0] < _SCAN_SHARE * area]
    together = (sum(covered for covered, _ in strips), sum(pixels for _, pixels in strips))
    # The scan may lie over a coarse or plain ground, and be cut into strips.
    layers = [found for found in (*pictures, together) if found[0] >= _SCAN_SHARE * area]
    covered, pixels = max(layers, key=itemgetter(1), default=(0.0, 0))
    if pixels < _LEAST_SCAN_PIXELS or _is_drawn_over(page):
        return None
    # What stands in a scaled form tells its size there: it cannot be more than the page's.
    own = _POINTS_PER_INCH * math.sqrt(pixels / min(covered, area))
    enough = _dpi_of(page, _SCAN_PIXELS)
    # A small page of many dots an inch is a page whose size was told wrong: it loses nothing.
    return min(max(DOTS_PER_INCH, enough), max(own, min(own * _MOST_ENLARGED, enough)))


def _is_drawn_over(page: Any) -> bool:
    """Tell whether lines are drawn on the page: its picture is then no scan but a background."""
    from pypdfium2 import raw

    lines = page.get_objects(filter=(raw.FPDF_PAGEOBJ_PATH,), max_depth=_PICTURE_DEPTH)
    return len(list(islice(lines, _LEAST_LINES))) == _LEAST_LINES


def _measure_pictures(page: Any) -> Iterator[tuple[float, int]]:
    """The area of each picture on the page in square points, and its number of px."""
    from pypdfium2 import raw

    wanted = (raw.FPDF_PAGEOBJ_IMAGE,)
    for picture in page.get_objects(filter=wanted, max_depth=_PICTURE_DEPTH):
        edges = [c_float() for _ in range(4)]
        size = [c_uint() for _ in range(2)]
        raw.FPDFPageObj_GetBounds(picture.raw, *(byref(edge) for edge in edges))
        raw.FPDFImageObj_GetImagePixelSize(picture.raw, *(byref(side) for side in size))
        left, bottom, right, top = (edge.value for edge in edges)
        yield max(0.0, right - left) * max(0.0, top - bottom), size[0].value * size[1].value
