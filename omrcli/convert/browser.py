"""A page in the user's browser, if there is one with windows."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from omrcli.scratch import write_scratch

#: Seconds until a browser that was started counts as open: some stay in the foreground.
PATIENCE = 15

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def has_browser() -> bool:
    """Whether a browser with windows can be there: without a display there are only those of text
    terminals, which cannot draw and do not come back."""
    if os.environ.get("BROWSER") or sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(page: bytes) -> Path | None:
    """Write a page to a temporary file and open it; where it is, or None if no browser opened it.

    The file stays, as the browser reads it when this process has long ended.

    Raises:
        OutputError: the file cannot be written.
    """
    if not has_browser():
        return None
    path = write_scratch(page, "view", ".html")
    if _open(path.as_uri()):
        return path
    with contextlib.suppress(OSError):
        path.unlink()
    return None


def _open(address: str) -> bool:
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _OPEN, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        return process.wait(PATIENCE) == 0
    except subprocess.TimeoutExpired:
        return True  # it runs in the foreground, until the user closes it
