"""What the command line is made of, as plain data: commands with their arguments and options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]  # the words that call a command, such as ("models", "list")


@dataclass(frozen=True)
class Option:
    """An option of a command.

    `name` is the parameter of the command's function, `spellings` are as on the command line,
    `kind` is bool, int, float, str or pathlib.Path; of a `multiple` option it is each value's.
    """

    name: str
    spellings: tuple[str, ...]
    kind: type
    default: Any = None
    multiple: bool = False
    required: bool = False
    metavar: str = ""
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def key(self) -> str:
        """Its name in settings: the long spelling without dashes."""
        long = next((text for text in self.spellings if text.startswith("--")), self.spellings[0])
        return long.lstrip("-").split("/")[0]

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes, where its metavar lists them; else nothing."""
        return read_choices(self.metavar)

    @property
    def takes_path(self) -> bool:
        """Whether its values are, or may be, paths of files or folders."""
        return self.metavar != "FILE|-" and bool(
            re.search(r"PATH|FILE|DIR|FOLDER|CKPT|PNG", self.metavar) or self.kind not in _PLAIN
        )


@dataclass(frozen=True)
class Argument:
    """A positional argument of a command."""

    name: str
    metavar: str
    help: str = ""
    required: bool = True


@dataclass(frozen=True)
class Command:
    """A command, by the words that call it; `help` is the text of its function."""

    path: Path
    help: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def title(self) -> str:
        """The words that call it, such as "models list"."""
        return " ".join(self.path)


_PLAIN = (bool, int, float, str)
_WORDS = re.compile(r"[a-z0-9.-]+(\|[a-z0-9.-]+)+")


def read_choices(metavar: str) -> tuple[str, ...]:
    """The words of a metavar such as "auto|cpu|cuda"; nothing of any other."""
    return tuple(metavar.split("|")) if _WORDS.fullmatch(metavar) else ()
