"""Staves drawn for training: music engraved, then found and normalised like any image."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from omrcli.errors import InputError
from omrcli.pages.image import PageImage
from omrcli.synth.dataset import Music, SynthOptions, draw_sample, load_music
from omrcli.synth.engravers import BLOCK

from .data import StoredStaff, store_page


@dataclass(frozen=True)
class _Studio:
    """What every drawing of a run shares."""

    options: SynthOptions
    music: Music

    def draw(self, index: int) -> StoredStaff | None:
        sample = draw_sample(self.options, index, self.music)
        height, width = sample.pixels.shape
        name = f"synth-{self.options.seed}-{index}"
        page = PageImage(sample.pixels, name, width, height)
        try:
            return store_page(name, page, sample.tokens)
        except InputError:  # a staff that staves/staff.py cannot find teaches nothing
            return None


_studio: _Studio | None = None


def _open_studio(studio: _Studio) -> None:
    global _studio
    _studio = studio


def _draw(index: int) -> StoredStaff | None:
    assert _studio is not None
    return _studio.draw(index)


def draw_staves(
    options: SynthOptions,
    report: Callable[[int, int], None] | None = None,
) -> list[StoredStaff]:
    """Draw `options.count` staves on `options.jobs` processes; equal options give equal staves.

    `report` is told the number done and the number of all, now and then.

    Raises:
        InputError: nothing in the corpora can be engraved.
        MissingDependencyError: the engraver or resvg is not installed.
    """
    studio = _Studio(options, load_music(options))
    indices = range(options.count)
    if options.jobs < 2:
        return _collect(map(studio.draw, indices), options.count, report)
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, _open_studio, (studio,)) as pool:
        return _collect(pool.imap(_draw, indices, chunksize=BLOCK), options.count, report)


def _collect(
    drawn: Iterable[StoredStaff | None], count: int, report: Callable[[int, int], None] | None
) -> list[StoredStaff]:
    def told() -> Iterator[StoredStaff | None]:
        for number, staff in zip(itertools.count(1), drawn, strict=False):
            if report and number % 50 == 0:
                report(number, count)
            yield staff

    return [staff for staff in told() if staff is not None]
