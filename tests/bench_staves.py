"""How well and fast staves are found on engraved pages: python -m tests.bench_staves [N [SEED]].

A staff is found where its five lines are at most half an interline from the true ones in the mean;
its system is right where it holds the same staves as in truth. Seconds are of CPU.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import process_time

import numpy as np

from omrcli.pages.image import PageImage
from omrcli.staves.staff import Staff, find_staves
from omrcli.synth.pages import TruePage, TrueStaff, draw_page, wear_page

LOOKS = ("clean", "scan", "photo")
_FAR = 0.5


@dataclass
class Tally:
    """Counts over pages; `errors` and `ends` are in interlines, a figure a staff found."""

    true: int = 0
    found: int = 0
    matched: int = 0
    joined: int = 0
    pages: int = 0
    seconds: float = 0.0
    errors: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


def line_error(found: Staff, true: TrueStaff) -> float:
    """Mean distance of the lines in interlines, where both are."""
    gaps = []
    for line, points in zip(found.lines, true.lines, strict=True):
        here = (points[:, 0] >= found.x0) & (points[:, 0] <= found.x1)
        if not here.any():
            return float("inf")
        gaps.append(np.abs(np.interp(points[here, 0], found.xs, line) - points[here, 1]).mean())
    return float(np.mean(gaps) / true.interline)


def match_staves(found: Sequence[Staff], page: TruePage) -> dict[int, int]:
    """Index of the found staff for each true one that was found."""
    matches: dict[int, int] = {}
    for place, true in enumerate(page.staves):
        errors = [line_error(staff, true) for staff in found]
        if errors and min(errors) < _FAR and int(np.argmin(errors)) not in matches.values():
            matches[place] = int(np.argmin(errors))
    return matches


def count_page(tally: Tally, page: TruePage) -> None:
    """Find the staves of a page and count what is right."""
    height, width = page.pixels.shape
    started = process_time()
    found = find_staves(PageImage(page.pixels, "page", width, height))
    tally.seconds += process_time() - started
    matches = match_staves(found, page)
    tally.pages += 1
    tally.true += len(page.staves)
    tally.found += len(found)
    tally.matched += len(matches)
    for place, index in matches.items():
        true, staff = page.staves[place], found[index]
        tally.errors.append(line_error(staff, true))
        left, right = true.lines[:, 0, 0].mean(), true.lines[:, -1, 0].mean()
        tally.ends.append(max(abs(staff.x0 - max(left, 0)), abs(staff.x1 - right)) / true.interline)
        mates = {matches.get(k) for k, s in enumerate(page.staves) if s.system == true.system}
        tally.joined += mates == {k for k, s in enumerate(found) if s.system == staff.system}


def measure(count: int, seed: int = 0) -> dict[str, Tally]:
    """Tallies of `count` pages in each look."""
    tallies = {look: Tally() for look in LOOKS}
    for number in range(count):
        page = draw_page(np.random.default_rng((seed, number)))
        for look, tally in tallies.items():
            rng = np.random.default_rng((seed, number, 1))
            count_page(tally, page if look == "clean" else wear_page(page, rng, look))
    return tallies


def print_table(tallies: dict[str, Tally]) -> None:
    """A line for each look."""
    print("look    pages  staves   recall  precision  line error  ends right  system  CPU s/page")
    for look, tally in tallies.items():
        true, found = max(tally.true, 1), max(tally.found, 1)
        ends = float(np.mean(np.array(tally.ends) < 1)) if tally.ends else 0.0
        print(
            f"{look:6s} {tally.pages:6d} {tally.true:7d} {100 * tally.matched / true:7.2f} % "
            f"{100 * tally.matched / found:8.2f} % {float(np.mean(tally.errors or [9])):11.3f} "
            f"{100 * ends:9.2f} % {100 * tally.joined / true:5.1f} % "
            f"{tally.seconds / max(tally.pages, 1):11.2f}"
        )


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:3])) if len(sys.argv) > 1 else measure(40))
