"""Pictures in the terminal, where it can draw: the protocols of kitty and iTerm2, and sixel.

Which one a terminal has is told by its environment; the rest is asked for its device attributes,
with a time limit, as a terminal that does not know the question says nothing.
"""

from __future__ import annotations

import base64
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Protocol = Literal["kitty", "iterm", "sixel"]

#: Seconds to wait for the terminal's answer; over a slow line it takes some tenths.
PATIENCE = 0.5
#: Width of a picture, in px, where the terminal does not tell its own.
DEFAULT_WIDTH = 800
_CHUNK = 4096  # the most base64 that kitty takes at once
_GRAYS = 16
_SIXEL = "4"  # among the device attributes


def find_protocol(environment: Mapping[str, str] | None = None) -> Protocol | None:
    """How the terminal on standard output draws; None where it does not, or is none."""
    if not sys.stdout.isatty():
        return None
    named = _named_protocol(os.environ if environment is None else environment)
    return named or ("sixel" if _SIXEL in _ask_attributes() else None)


def _named_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """What the terminal's own variables say; inside tmux and screen they tell of the outer one,
    whose pictures do not come through."""
    term = environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("tmux", "screen")):
        return None
    program = environment.get("TERM_PROGRAM") or environment.get("LC_TERMINAL", "")
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    if program == "ghostty":
        return "kitty"
    return "iterm" if program in ("iTerm.app", "iTerm2", "WezTerm", "mintty") else None


def _ask_attributes() -> list[str]:
    """The primary device attributes of the terminal; none where it does not answer in time."""
    try:
        import termios
        import tty

        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except (ImportError, OSError):  # Windows, or no terminal to ask
        return []
    try:
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            os.write(terminal, b"\x1b[c")
            return _parse_attributes(_read_answer(terminal))
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    except (OSError, termios.error):
        return []
    finally:
        os.close(terminal)


def _read_answer(terminal: int) -> bytes:
    answer = b""
    end = time.monotonic() + PATIENCE
    while not answer.endswith(b"c") and len(answer) < 200:
        left = end - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            break
        answer += os.read(terminal, 1) or b"c"
    return answer


def _parse_attributes(answer: bytes) -> list[str]:
    """Attributes from an answer such as ESC [ ? 62 ; 4 ; 22 c."""
    _, found, rest = answer.decode("ascii", "replace").partition("\x1b[?")
    return rest.removesuffix("c").split(";") if found and rest.endswith("c") else []


def terminal_width() -> int:
    """Width of the terminal in px."""
    try:
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
        width = int(struct.unpack("HHHH", size)[2])
    except (ImportError, OSError, ValueError):
        width = 0
    return width or DEFAULT_WIDTH


def draw_picture(png: bytes, protocol: Protocol, width: int) -> bytes:
    """What to write to a terminal so that it shows a PNG, at most `width` px wide."""
    pixels = _shrink(png, width)
    if protocol == "sixel":
        return b"".join(_sixel(pixels))
    packed = base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes())
    if protocol == "kitty":
        return b"".join(_kitty(packed))
    return b"\x1b]1337;File=inline=1;preserveAspectRatio=1:" + packed + b"\x07\n"


def _shrink(png: bytes, width: int) -> NDArray[np.uint8]:
    """Grayscale pixels (H, W) of a PNG."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:  # made by this package, so never
        raise ValueError("no PNG")
    if pixels.shape[1] > width:
        height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, np.uint8)


def _kitty(packed: bytes) -> Iterator[bytes]:
    for start in range(0, len(packed), _CHUNK):
        head = b"a=T,f=100," if start == 0 else b""
        more = b"m=1" if start + _CHUNK < len(packed) else b"m=0"
        yield b"\x1b_G" + head + more + b";" + packed[start : start + _CHUNK] + b"\x1b\\"
    yield b"\n"


def _sixel(pixels: NDArray[np.uint8]) -> Iterator[bytes]:
    """Bands of six rows; in each, for every gray that occurs, the rows where it does."""
    height, width = pixels.shape
    grays = np.minimum(pixels.astype(int) * _GRAYS // 256, _GRAYS - 1)
    yield b'\x1bPq"1;1;%d;%d' % (width, height)
    for gray in range(_GRAYS):
        level = round(100 * gray / (_GRAYS - 1))
        yield b"#%d;2;%d;%d;%d" % (gray, level, level, level)
    for top in range(0, height, 6):
        band = grays[top : top + 6]
        weights = (1 << np.arange(len(band)))[:, None]
        for gray in np.unique(band):
            row = ((band == gray) * weights).sum(axis=0) + 63
            yield b"#%d" % gray + _repeat(row.astype(np.uint8)) + b"$"
        yield b"-"
    yield b"\x1b\\\n"


def _repeat(row: NDArray[np.uint8]) -> bytes:
    """A row of sixels with runs of one sixel as a count."""
    edges = np.flatnonzero(np.diff(row)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(row)])))
    return b"".join(
        b"!%d%c" % (length, row[start]) if length > 3 else bytes([row[start]]) * int(length)
        for start, length in zip(starts, lengths, strict=True)
    )
