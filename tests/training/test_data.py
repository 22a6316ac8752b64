"""Stored staves and batches: true frames, bucketed widths, the same batches for the same seed."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from omrcli.errors import InputError  # noqa: E402
from omrcli.reading.alphabet import PlainCodec, PositionalCodec  # noqa: E402
from omrcli.training.data import (  # noqa: E402
    Augmentation,
    BatchPlan,
    StaffBatches,
    StaffSet,
    StoredStaff,
    keep_readable,
    plan_batches,
    read_store,
    vary_staff,
    write_store,
)
from tests.training.stored import GEOMETRY, TEXTS, make_staff, make_staves  # noqa: E402


def _set(count: int) -> StaffSet:
    staves, encoded = keep_readable(make_staves(count), PlainCodec(TEXTS), GEOMETRY, 4)
    return StaffSet(staves, encoded, GEOMETRY, 4)


def test_plan_draws_every_staff_in_every_epoch_and_respects_the_budget() -> None:
    widths = np.random.default_rng(0).integers(100, 900, 200).tolist()
    plan = BatchPlan(steps=400, pixels=4000, short_first=0.0)
    batches = plan_batches(widths, plan)
    assert batches == plan_batches(widths, plan)
    assert len(batches) == 400
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(widths[i] for i in batch) <= 4000
    seen = [index for batch in batches for index in batch]
    assert set(seen) == set(range(200))
    other = plan_batches(widths, BatchPlan(400, 4000, seed=1))
    assert batches != other


def test_short_staves_come_first() -> None:
    widths = list(range(100, 900))
    batches = plan_batches(widths, BatchPlan(steps=200, pixels=9000, short_first=0.25))
    early = max(widths[i] for batch in batches[:40] for i in batch)
    late = max(widths[i] for batch in batches[100:] for i in batch)
    assert early < 400 < 890 < late


def test_batches_have_true_frames_and_are_reproducible() -> None:
    staves = _set(12)
    batches = plan_batches(staves.widths, BatchPlan(steps=6, pixels=400))
    first = StaffBatches(staves, batches, Augmentation(), seed=3)
    again = StaffBatches(staves, batches, Augmentation(), seed=3)
    other = StaffBatches(staves, batches, Augmentation(), seed=4)
    batch = first[2]
    assert torch.equal(batch.image, again[2].image)
    assert not torch.equal(batch.image, other[2].image)
    assert batch.image.shape[1:3] == (1, GEOMETRY.height)
    assert torch.equal(batch.targets.frames, batch.widths // 4)
    for row, width in enumerate(batch.widths.tolist()):
        assert not batch.image[row, :, :, width:].any()
        assert batch.image[row, :, :, :width].max() > 0.5


def test_without_variation_the_lines_stand_where_the_geometry_says() -> None:
    staff = make_staff(1, 4)
    pixels = cv2.imdecode(np.frombuffer(staff.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    image = vary_staff(pixels, GEOMETRY, None, Augmentation())
    profile = image[:, :6].mean(axis=1)
    rows = np.flatnonzero(profile > 0.3 * profile.max())
    tops = [GEOMETRY.above * 8 + 8 * line for line in range(5)]
    assert image.shape[0] == GEOMETRY.height
    assert all(min(abs(rows - top)) <= 1 for top in tops)


def test_a_system_line_joins_the_staff_lines_at_their_left_end() -> None:
    staff = make_staff(1, 4)
    pixels = cv2.imdecode(np.frombuffer(staff.png, np.uint8), cv2.IMREAD_GRAYSCALE)
    pixels[:, :12] = 0
    steady = Augmentation(degrade=None, scale=0.0, shift=0.0, system_line=1.0)
    drawn = vary_staff(pixels, GEOMETRY, np.random.default_rng(0), steady)
    plain = vary_staff(pixels, GEOMETRY, None, Augmentation())
    added = np.flatnonzero((drawn > plain + 0.1).any(axis=0))
    assert 6 <= added[0] <= added[-1] <= 13
    rows = np.flatnonzero((drawn > plain + 0.1).any(axis=1))
    assert rows[0] <= GEOMETRY.above * 8 + 8
    assert rows[-1] >= (GEOMETRY.above + 3) * 8


def test_staves_that_cannot_be_spelled_are_left_out() -> None:
    good = make_staff(0, 3)
    foreign = StoredStaff("foreign", good.png, good.width, ("clef-G2",))
    crowded = StoredStaff("crowded", good.png, good.width, ("tie", "barline") * 40)
    kept, encoded = keep_readable([good, foreign, crowded], PlainCodec(TEXTS), GEOMETRY, 4)
    assert [staff.name for staff in kept] == [good.name]
    assert len(encoded[0]) == 3
    assert keep_readable([foreign], PositionalCodec(), GEOMETRY, 4)[0] == [foreign]


def test_store_round_trip_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.staves"
    staves = make_staves(3)
    write_store(path, staves)
    assert read_store(path) == staves
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="no store of staves"):
        read_store(path)
    path.write_bytes(pickle.dumps([("s0", b"", 10, ())]))
    with pytest.raises(InputError, match="made by another version"):
        read_store(path)
    path.write_bytes(pickle.dumps(Path("x")))  # names a class: code that a store must not run
    with pytest.raises(InputError, match="in a store of staves"):
        read_store(path)
