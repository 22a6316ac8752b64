"""Expected failures: each says in one sentence what was wrong and what to do, with an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the `omr` command."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    NOTHING_RECOGNISED = 4
    MODEL = 5
    DEPENDENCY = 6
    OUTPUT = 7
    PARTIAL_BATCH = 8
    DOUBTFUL = 9
    INTERRUPT = 130


class OmrError(Exception):
    """An expected failure; its message is a sentence with a next step, `exit_code` its status."""

    exit_code: ExitCode = ExitCode.INTERNAL


class UsageError(OmrError):
    """Options that contradict each other or have values out of range."""

    exit_code = ExitCode.USAGE


class InputError(OmrError):
    """An input file that is missing, unreadable, damaged or too large."""

    exit_code = ExitCode.INPUT


class DamagedPageError(InputError):
    """A damaged page of a file whose other pages may be sound; `index` counts from 0."""

    def __init__(
        self, shown: str, index: int, what: str = "is damaged; export or copy the file again."
    ) -> None:
        """`shown` names the file, `what` is the rest of the sentence."""
        super().__init__(f"Page {index + 1} of {shown} {what}")
        self.index = index


class TokenError(InputError):
    """A text that is no token of the encoding."""


class NothingRecognisedError(OmrError):
    """An image in which no staff was found, or a staff on which nothing was read."""

    exit_code = ExitCode.NOTHING_RECOGNISED


class DoubtfulError(OmrError):
    """A score that was read and written, but badly; raised only where that is asked for."""

    exit_code = ExitCode.DOUBTFUL


class ModelError(OmrError):
    """A model that is missing, damaged or does not match its spec or hash."""

    exit_code = ExitCode.MODEL


class MissingDependencyError(OmrError):
    """An optional package, driver or library that the request needs is not installed."""

    exit_code = ExitCode.DEPENDENCY


class OutputError(OmrError):
    """An output that cannot be written."""

    exit_code = ExitCode.OUTPUT
