"""Samples that cannot be used are counted, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from omrcli.errors import InputError
from omrcli.training.data import StoredStaff, write_store
from omrcli.training.loop import LoopOptions
from omrcli.training.recipe import DataOptions, TrainOptions, run_training
from tests.training.stored import make_staff

pytestmark = pytest.mark.train


def make_stored(name: str, *texts: str) -> StoredStaff:
    made = make_staff(0, 5)
    return StoredStaff(name, made.png, made.width, texts)


def run(folder: Path, staves: list[StoredStaff], validation: str, alphabet: str) -> list[str]:
    """Train a step on some staves; what was said."""
    write_store(folder / "store", staves)
    (folder / "validation.txt").write_text(validation)
    data = DataOptions(
        folders=(folder,),
        cache=folder / "store",
        validation=folder / "validation.txt",
        degrade="none",
    )
    loop = LoopOptions(folder / "out", steps=1, workers=0, threads=1, device="cpu")
    said: list[str] = []
    run_training(TrainOptions(data, loop, alphabet=alphabet), say=said.append)
    return said


SEEN = [make_stored(name, "tie", "barline") for name in "ab"]
UNSEEN = make_stored("c", "tie", "rest-half")


def test_unseen_tokens_of_the_validation_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        run(tmp_path, [*SEEN, UNSEEN], "c\n", "semantic")
    assert str(caught.value) == (
        "None of the 1 samples to validate on can be used: rest-half are not among the classes of "
        "the network, which are the tokens trained on; list other samples with --validation."
    )


def test_a_part_of_the_validation_that_is_left_out_is_counted(tmp_path: Path) -> None:
    said = run(tmp_path, [*SEEN, UNSEEN], "b\nc\n", "semantic")
    assert said[0].startswith("1 of 2 samples to validate on are left out: rest-half are not")
    assert said[-1] == "Training on 1 staves, validating on 1."


def test_staves_too_dense_for_the_network_are_counted(tmp_path: Path) -> None:
    dense = make_stored("d", *["tie", "barline"] * 40)
    said = run(tmp_path, [*SEEN, dense], "b\n", "positional")
    assert said[0] == (
        "1 of 2 samples to train on are left out: "
        "they have more symbols than the network has frames for."
    )
    with pytest.raises(InputError, match="None of the 1 samples to train on can be used"):
        run(tmp_path, [SEEN[0], dense], "a\n", "positional")


def test_a_list_of_other_names_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lists no sample that was read; .* such as a\.$"):
        run(tmp_path, SEEN, "z\n", "semantic")
