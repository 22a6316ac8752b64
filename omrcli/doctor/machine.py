"""The machine: system, processor cores, memory."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from omrcli import __version__

from .findings import OK, TOLD, WRONG, Finding, Section, show_bytes

#: Bytes under which a page may not fit: the peak of a staff, by half as much again.
_LITTLE_MEMORY = 250e6


def describe_machine() -> Section:
    """Versions of omr, Python and the system; cores and memory that this process may use."""
    python = f"{platform.python_version()} ({platform.python_implementation()}, {sys.executable})"
    return Section(
        "This machine",
        (
            Finding("omr", __version__, OK),
            Finding("Python", python, OK),
            Finding("system", f"{_system_name()}, {platform.machine()}", OK),
            Finding("cores", _describe_cores(), TOLD),
            _find_memory(),
        ),
    )


def free_memory() -> float:
    """The bytes of memory that this process may still take; NaN where that is not told."""
    told = [_read_meminfo(), _read_group_rest()]
    return min((count for count in told if count is not None), default=float("nan"))


def _find_memory() -> Finding:
    free = free_memory()
    if free < _LITTLE_MEMORY:
        advice = "Close other programs, or read smaller images: a page needs about 0.3 GB."
        return Finding("free memory", show_bytes(free), WRONG, advice)
    return Finding("free memory", show_bytes(free), TOLD)


def _system_name() -> str:
    """The name of the system, on Linux that of the distribution."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME") or platform.platform()
    except OSError:
        return platform.platform()


def _describe_cores() -> str:
    affinity = getattr(os, "sched_getaffinity", None)
    here = os.cpu_count() or 1
    usable = len(affinity(0)) if affinity is not None else here
    text = f"{usable} of {here} usable"
    quota = _read_quota()
    if quota is not None:
        text += f", at most {quota:g} at a time"
    load = getattr(os, "getloadavg", None)
    return text if load is None else f"{text}; load {load()[0]:.1f}"


def _read_quota() -> float | None:
    """The cores' worth of time that a container is given, or None where it has no limit."""
    try:
        share, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if share == "max" else float(share) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _read_meminfo() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    try:
        return float(values["MemAvailable"].split()[0]) * 1024
    except (KeyError, ValueError, IndexError):
        return None


def _read_group_rest() -> float | None:
    """What a container's limit leaves, or None where it has none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = float((folder / "memory.max").read_text())
        return max(0.0, limit - float((folder / "memory.current").read_text()))
    except (OSError, ValueError):
        return None
