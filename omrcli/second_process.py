"""A second process for libraries written in other languages, which can crash or never end.

Requests go to its standard input, answers come from its standard output; what it makes of either is
up to both sides. It is ended where an answer takes too long.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

Answer = TypeVar("Answer")
#: The process looks for modules where this one does, but not wherever it stands: a file there may
#: have the name of a module.
_START = "import sys; sys.path[:] = filter(None, sys.path); from {module} import main; main()"
#: Seconds for one that has closed its pipes to end by itself, with a status that tells more.
_GRACE = 5


class EndedError(Exception):
    """The process ended before it had answered.

    `late` tells that it had no more time; `status` is its exit status, if it ended by itself.
    """

    def __init__(self, late: bool, status: int | None = None) -> None:
        """See the class."""
        super().__init__()
        self.late = late
        self.status = status


class SecondProcess:
    """A process that runs the function `main` of a module, until it is closed."""

    def __init__(self, module: str, arguments: Sequence[str] = ()) -> None:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        folders = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(module=module), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries say there what they make of their input
            env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        )
        self._late = False

    def ask(self, request: bytes, read: Callable[[BinaryIO], Answer], seconds: float) -> Answer:
        """Send a request, and return what `read` makes of the answer.

        `read` raises EOFError where the answer breaks off.

        Raises:
            EndedError: the process ended, or had no answer after so many seconds and was ended.
        """
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            requests = cast(BinaryIO, self._process.stdin)
            requests.write(request)
            requests.flush()
            return read(cast(BinaryIO, self._process.stdout))
        except (OSError, EOFError):  # it ended before it had read, or said, all
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
            self.close()
            raise EndedError(self._late, self._process.returncode) from None
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(BinaryIO, stream).close()
        self._process.wait()

    def _end(self) -> None:
        self._late = True
        self._process.kill()


def read_line(answers: BinaryIO) -> bytes:
    """A line of an answer.

    Raises:
        EOFError: it breaks off.
    """
    line = answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line
