"""Exceptions -> one sentence on stderr and an exit status."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

from omrcli.errors import ExitCode, MissingDependencyError, OmrError, OutputError

#: Import name of an optional package -> the extra that installs it.
EXTRAS = {
    "torch": "train",
    "onnx": "train",
    "verovio": "synth",
    "jinja2": "report",
    "resvg_py": "synth",
    "typst": "convert",
    "pillow_heif": "heif",
    "matplotlib": "plots",
    "wordcloud": "plots",
}


class _Manners:
    """What holds for the command that runs."""

    quiet = False
    has_stdout = True


def open_streams() -> None:
    """Put nothing in the place of standard streams that are closed.

    Else a file that is opened would get the number of one, and messages for another would go there;
    and Python prints what is meant for a missing stderr to stdout, among the results.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        _Manners.has_stdout = False


@contextmanager
def exit_on_error(verbose: bool = False, quiet: bool = False) -> Iterator[None]:
    """Run a command's body; end the process with the status of what it raises.

    Within it, nothing but errors is said if it is `quiet`; with `verbose` they tell where, and
    all is said: `quiet` may be a setting of old, `verbose` is asked for now.
    """
    before, _Manners.quiet = _Manners.quiet, quiet and not verbose
    try:
        yield
        write_stdout()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        leave_pipe()
        raise typer.Exit(ExitCode.OUTPUT) from None
    except (Exception, KeyboardInterrupt) as error:
        found = name_extra(error)
        report_error(found, verbose)
        raise typer.Exit(exit_code_of(found)) from error
    finally:
        _Manners.quiet = before


def is_quiet() -> bool:
    """Tell whether nothing but errors should be said: no notes, no progress."""
    return _Manners.quiet


def name_extra(error: BaseException) -> BaseException:
    """Turn the failed import of an optional package into an error that names its extra."""
    package = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package not in EXTRAS:
        return error
    missing = MissingDependencyError(_describe_extra(package))
    missing.__cause__ = error
    return missing


def require_packages(*packages: str, extra: str | None = None) -> None:
    """Check for optional packages before any work, where they would be missed only after much.

    `extra` is the one to name, where several have them.

    Raises:
        MissingDependencyError: one is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(_describe_extra(package, extra))


def _describe_extra(package: str, extra: str | None = None) -> str:
    return f"This needs {package}; run pip install 'omrcli[{extra or EXTRAS[package]}]'."


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit status that an exception stands for."""
    if isinstance(error, OmrError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPT
    return ExitCode.INTERNAL


def report_error(error: BaseException, verbose: bool = False, source: str = "") -> None:
    """Say on stderr in one sentence what was wrong; with `verbose`, where in the code."""
    if verbose and not isinstance(error, KeyboardInterrupt):
        print_trace("".join(traceback.format_exception(error)))
    complain(describe_error(error, source))


def describe_error(error: BaseException, source: str = "") -> str:
    """Return the sentence for an exception; `source` is named where the text does not."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    if isinstance(error, OmrError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = "Out of memory; give a smaller image or --batch-size."
    else:
        kind = type(error).__name__
        said = " ".join(str(error).split())  # of foreign code, which may say it in many lines
        text = f"Internal error ({kind}: {said}); run again with --verbose and report it."
    return text if not source or source in text else f"{source}: {text}"


def say(text: str) -> None:
    """Print a note for the user on stderr, where it never mixes with a result; not if quiet."""
    if not is_quiet():
        complain(text)


def complain(text: str) -> None:
    """Print a line on stderr that is said even if quiet: what went wrong."""
    _print_line(f"omr: {show_text(text)}")


def print_trace(text: str) -> None:
    """Print on stderr where in the code something went wrong, in lines of its own."""
    _print_line("\n".join(map(show_text, text.rstrip("\n").split("\n"))))


def _print_line(text: str) -> None:
    """Print on stderr; where nobody listens any more, or its disk is full, the work goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _leave(sys.stderr)


def show_text(text: str) -> str:
    """A text fit for a line of a terminal: file names may hold line ends, and signs that a terminal
    obeys; these are spelled as in Python's texts."""
    safe = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if _is_shown(sign) else ascii(sign)[1:-1] for sign in safe)


def _is_shown(sign: str) -> bool:
    # Spaces of other widths are harmless, and some systems put them into the names of screenshots.
    return sign.isprintable() or unicodedata.category(sign) == "Zs"


def write_stdout(content: bytes = b"") -> None:
    """Bring everything printed so far, and then the content, to where stdout goes.

    Raises:
        OutputError: it cannot take it, for instance because the disk is full.
        BrokenPipeError: nobody reads it any more.
    """
    if content and not _Manners.has_stdout:
        raise OutputError("Standard output is closed; give a file with -o.")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        leave_pipe()
        reason = (error.strerror or "unknown reason").lower()
        raise OutputError(f"Cannot write to standard output: {reason}; check its disk.") from error


def leave_pipe() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail again."""
    _leave(sys.stdout)


def _leave(stream: TextIO) -> None:
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
    except (OSError, ValueError):
        return
