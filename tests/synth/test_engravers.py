"""Which engraver draws a block, and how drawings become pixels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from omrcli.errors import MissingDependencyError, UsageError
from omrcli.synth import lilypond, musescore
from omrcli.synth.dataset import SynthOptions
from omrcli.synth.engravers import (
    ENGRAVERS,
    Look,
    choose_engraver,
    draw_look,
    paint_staff,
    read_shares,
)
from omrcli.synth.raster import Drawing, Line
from omrcli.synth.render import Margins


def _drawing() -> Drawing:
    lines = tuple(Line(0, 100 + 25 * i, 1000, 100 + 25 * i, 5) for i in range(5))
    return Drawing(lines, 1000, 300, 100, 25)


def test_shares_sum_to_one() -> None:
    assert read_shares("musescore") == {"musescore": 1}
    assert read_shares("verovio:3, musescore:1") == {"verovio": 0.75, "musescore": 0.25}
    assert sum(read_shares("mixed").values()) == pytest.approx(1)


def test_mixed_takes_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> str:
        return "program"

    monkeypatch.setattr(musescore, "find_musescore", find)
    monkeypatch.setattr(lilypond, "find_lilypond", find)
    assert set(read_shares("mixed")) == set(ENGRAVERS)

    def miss() -> str:
        raise MissingDependencyError("It is not installed.")

    monkeypatch.setattr(lilypond, "find_lilypond", miss)
    assert read_shares("mixed") == {"verovio": 0.5, "musescore": 0.5}


@pytest.mark.parametrize("text", ["sibelius", "verovio:x", "verovio:0", "verovio:-1", ""])
def test_other_engravers_and_shares_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        SynthOptions(engraver=text)


def test_blocks_have_engravers_by_their_shares() -> None:
    drawn = Counter(choose_engraver("verovio:3,musescore:1", 1, block) for block in range(400))
    assert drawn["verovio"] + drawn["musescore"] == 400
    assert 60 <= drawn["musescore"] <= 140
    assert choose_engraver("mixed", 5, 7) == choose_engraver("mixed", 5, 7)


def test_a_drawing_is_painted_at_the_interline_asked_for() -> None:
    staff = paint_staff(_drawing(), Look(interline=10, ink=80, margins=Margins(1, 2, 1, 2)))
    rows = np.flatnonzero(staff.pixels[:, staff.pixels.shape[1] // 2] < 200)
    assert rows[0] == pytest.approx(staff.top_line, abs=1)
    assert rows[-1] == pytest.approx(staff.top_line + 40, abs=1)
    assert staff.pixels.min() == 80  # the gray of the ink


def test_equal_seeds_give_equal_looks() -> None:
    assert draw_look(np.random.default_rng(2)) == draw_look(np.random.default_rng(2))
