"""An ablation: the same data for every recipe, finished runs kept, one table of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from omrcli.errors import UsageError
from omrcli.training import ablation
from omrcli.training.ablation import (
    AblationOptions,
    Figures,
    Outcome,
    ablation_table,
    choose_variants,
    run_ablation,
)
from omrcli.training.checkpoint import read_checkpoint
from omrcli.training.data import write_store
from omrcli.training.loop import LoopOptions, Progress
from omrcli.training.recipe import DataOptions
from tests.training.stored import make_staves


def make_options(folder: Path, *names: str) -> AblationOptions:
    cache = folder / "a.staves"
    write_store(cache, make_staves(12))
    data = DataOptions(synth=12, cache=cache, degrade="none", batch_pixels=400)
    loop = LoopOptions(folder, steps=2, workers=0, threads=1, validate_every=1, checkpoint_every=1)
    return AblationOptions(data, data, loop, seeds=2, variants=choose_variants(names))


def ignore_progress(name: str, now: Progress) -> None:
    pass


@pytest.mark.train
def test_runs_are_measured_once_and_kept(tmp_path: Path) -> None:
    options = make_options(tmp_path, "positional-ctc", "semantic-focal")
    measured: list[str] = []

    def measure(model: Path, frequency: Mapping[str, int]) -> dict[str, Figures]:
        assert model.is_file()
        assert frequency["barline"] > 0
        measured.append(model.parent.name)
        return {"held": Figures(0.25, 0.5, None)}

    first = run_ablation(options, measure, ignore_progress)
    names = ["positional-ctc-0", "semantic-focal-0", "positional-ctc-1", "semantic-focal-1"]
    assert measured == names
    (tmp_path / "semantic-focal-1" / "result.json").unlink()
    again = run_ablation(options, measure, ignore_progress)
    assert measured == [*names, "semantic-focal-1"]
    assert [(one.variant, one.seed, one.figures) for one in again] == [
        (one.variant, one.seed, one.figures) for one in first
    ]
    assert all(one.steps == 2 and one.seconds > 0 for one in first)


@pytest.mark.train
def test_all_start_from_the_same_weights_but_for_the_output(tmp_path: Path) -> None:
    """At a learning rate of next to nothing the weights stay what a run began with."""
    options = make_options(tmp_path, "positional-ctc")
    run_ablation(replace(options, seeds=1), lambda *_: {}, ignore_progress)
    given = tmp_path / "positional-ctc-0" / "last.ckpt"
    loop = replace(options.loop, out=tmp_path / "b", initial=given, learning_rate=1e-12, steps=1)
    later = replace(options, loop=loop, seeds=1, variants=choose_variants(["positional-focal"]))
    run_ablation(later, lambda *_: {}, ignore_progress)
    before = read_checkpoint(given).weights
    after = read_checkpoint(tmp_path / "b" / "positional-focal-0" / "last.ckpt").weights
    learned = [name for name in before if "running" not in name and "tracked" not in name]
    same = {name for name in learned if np.allclose(before[name], after[name], atol=1e-6)}
    assert {name for name in learned if not name.startswith("output.")} == same


def test_the_table_has_means_and_extremes() -> None:
    def outcome(variant: str, seed: int, rate: float, rare: float | None) -> Outcome:
        return Outcome(variant, seed, {"held": Figures(rate, 2 * rate, rare)}, 90.0, 10)

    table = ablation_table(
        [outcome("a", 0, 0.1, 0.5), outcome("b", 0, 0.2, None), outcome("a", 1, 0.3, 0.7)]
    )
    rows = table.splitlines()
    assert rows[0] == "| variant | held: SER [seeds] / sequence / rare | min a run |"
    assert rows[2] == "| a | **20.00** [10.00, 30.00] / 40.0 / 60.0 | 1.5 |"
    assert rows[3] == "| b | **20.00** / 40.0 / - | 1.5 |"


def test_variants_are_chosen_by_name() -> None:
    assert choose_variants(()) == ablation.VARIANTS
    assert [v.name for v in choose_variants(["semantic-ctc"])] == ["semantic-ctc"]
    with pytest.raises(UsageError, match="'nonsense' is unknown; choose of positional-ctc,"):
        choose_variants(["nonsense"])


def test_recipes_differ_in_one_thing_each() -> None:
    names = {variant.name for variant in ablation.VARIANTS}
    assert len(names) == len(ablation.VARIANTS)
    plain = {replace(variant, name="") for variant in ablation.VARIANTS}
    assert len(plain) == len(ablation.VARIANTS)


def test_an_ablation_keeps_its_data(tmp_path: Path) -> None:
    data = DataOptions(synth=2)
    with pytest.raises(UsageError, match="both need a cache file"):
        AblationOptions(data, data, LoopOptions(tmp_path))
