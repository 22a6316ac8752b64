"""What was found, as plain data: sections of findings, each sound or with a next step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from omrcli.errors import ExitCode

#: The marks of states in the table: all is well; only told; could be had; must be mended.
OK, TOLD, MISSING, WRONG = "ok", "", "-", "!!"


@dataclass(frozen=True)
class Finding:
    """One line: a name, what was found, and for what is missing or wrong the next step.

    `code` is the exit status where no staff can be read because of it.
    """

    name: str
    value: str
    state: str = OK
    advice: str = ""
    code: ExitCode = ExitCode.OK


@dataclass(frozen=True)
class Section:
    """Findings on one subject."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class SelfTest:
    """How the bundled staff was read.

    `right` of `expected` tokens were read as they are; `cold` and `warm` are the seconds of the
    first reading, loading included, and of the next one.
    """

    model: str
    device: str
    right: int
    expected: int
    cold: float
    warm: float

    @property
    def is_sound(self) -> bool:
        """Whether what was read is near enough to what is there."""
        return self.right >= 0.9 * self.expected


@dataclass(frozen=True)
class Diagnosis:
    """Everything found; `test` is None where no staff could be read."""

    sections: tuple[Section, ...]
    test: SelfTest | None

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are wrong."""
        return tuple(
            found for section in self.sections for found in section.findings if found.state == WRONG
        )

    @property
    def exit_code(self) -> ExitCode:
        """0 if a staff can be read, else the status of the first reason that it cannot."""
        if self.test is not None and self.test.is_sound:
            return ExitCode.OK
        codes = [found.code for found in self.problems if found.code != ExitCode.OK]
        return codes[0] if codes else ExitCode.OK

    def to_record(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {
            "schema": "omr-doctor/1",
            "exit_code": int(self.exit_code),
            "self_test": None if self.test is None else _test_record(self.test),
            "problems": [_finding_record(found) for found in self.problems],
            "sections": {
                section.title: [_finding_record(found) for found in section.findings]
                for section in self.sections
            },
        }


def _finding_record(found: Finding) -> dict[str, str]:
    states = {OK: "ok", TOLD: "told", MISSING: "missing", WRONG: "wrong"}
    record = {"name": found.name, "value": found.value, "state": states[found.state]}
    return record | ({"advice": found.advice} if found.advice else {})


def _test_record(test: SelfTest) -> dict[str, Any]:
    return {
        "model": test.model,
        "device": test.device,
        "tokens_right": test.right,
        "tokens": test.expected,
        "cold_seconds": round(test.cold, 3),
        "warm_seconds": round(test.warm, 3),
    }


def show_bytes(count: float) -> str:
    """A number of bytes for people, such as "3.6 GB"."""
    if not math.isfinite(count):
        return "unknown"
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
