"""Checkpoints and stores can run no code, and name no sizes that they do not have."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from omrcli.errors import InputError, ModelError  # noqa: E402
from omrcli.training.checkpoint import (  # noqa: E402
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from omrcli.training.data import (  # noqa: E402
    _STORE_MARK,
    STORE_GEOMETRY,
    StoredStaff,
    read_store,
    write_store,
)
from omrcli.training.network import NETWORKS, build_network  # noqa: E402
from tests import bombs  # noqa: E402

SPEC = replace(NETWORKS["small"], classes=3)


class Trap:
    """What a plain unpickler would turn into a call."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def checkpoint(**values: Any) -> Checkpoint:
    whole = Checkpoint(
        *(1, SPEC, "semantic", ("a", "b"), build_network(SPEC).state_dict(), {}, {}, {})
    )
    return replace(whole, **values)


def test_a_whole_checkpoint_is_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.ckpt", checkpoint())
    assert read_checkpoint(tmp_path / "a.ckpt").network == SPEC


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_checkpoint_is_not_run(legacy: bool, tmp_path: Path) -> None:
    mark = tmp_path / "was-here"
    content = {"format": 1, "state": Trap(f"touch {mark}")}
    path = tmp_path / "a.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelError, match="is no checkpoint of omr"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ModelError, match="is no checkpoint of omr"):
        read_checkpoint(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(content))  # the trap works
    assert mark.exists()


@pytest.mark.parametrize(
    "network",
    [
        {"features": 10**9},
        {"channels": (10**6,) * 4},
        {"channels": ()},
        {"temporal_blocks": 10**9},
        {"recurrent": -1},
        {"height": 10**9},
        {"classes": 10**9},
        {"kind": ["lean"]},
        {"dropout": 7},
        {"factors": ((10**9,),) * 3},
    ],
    ids=str,
)
def test_wild_networks_are_refused(network: dict[str, Any], tmp_path: Path) -> None:
    content = {**vars(checkpoint()), "format": 1, "network": {**asdict(SPEC), **network}}
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(ModelError, match="is no checkpoint of omr"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = build_network(replace(SPEC, features=64)).state_dict()
    write_checkpoint(tmp_path / "a.ckpt", checkpoint(weights=other))
    with pytest.raises(ModelError, match="its weights are not those of its network"):
        read_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize("units", [("a",), ("a", "b", "c"), (1, 2)])
def test_units_of_another_network_are_refused(units: tuple[Any, ...], tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.ckpt", checkpoint(units=units))
    with pytest.raises(ModelError, match="it has impossible values"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_a_checkpoint_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.ckpt", checkpoint())
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(tmp_path / "a.ckpt") as whole,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in whole.namelist():
            bomb.writestr(name, bytes(10**7) if "data/0" in name else whole.read(name))
    (tmp_path / "a.ckpt").write_bytes(packed.getvalue())
    with pytest.raises(ModelError, match="is no checkpoint of omr"):
        read_checkpoint(tmp_path / "a.ckpt")


STAFF = StoredStaff("s", bombs.png_claiming(40, STORE_GEOMETRY.height), 40, ("clef-G2",))


def test_a_whole_store_is_read(tmp_path: Path) -> None:
    write_store(tmp_path / "a.staves", [STAFF])
    assert read_store(tmp_path / "a.staves") == [STAFF]


@pytest.mark.parametrize(
    "content",
    [
        lambda mark: [_STORE_MARK, Trap(f"touch {mark}")],
        lambda mark: [_STORE_MARK, ("s", b"no PNG", 40, ("clef-G2",))],
        lambda mark: [_STORE_MARK, ("s", bombs.png_claiming(60_000, 60_000), 40, ("clef-G2",))],
        lambda mark: [_STORE_MARK, ("s", STAFF.png, 41, ("clef-G2",))],
        lambda mark: [_STORE_MARK, ("s", STAFF.png, 40, (1,))],
        lambda mark: [_STORE_MARK, ("s", STAFF.png, 40)],
        lambda mark: [_STORE_MARK, 7],
        lambda mark: 7,
        lambda mark: [],
    ],
)
def test_stores_of_something_else_are_refused(
    content: Callable[[Path], object], tmp_path: Path
) -> None:
    mark, path = tmp_path / "was-here", tmp_path / "a.staves"
    path.write_bytes(pickle.dumps(content(mark)))
    with pytest.raises(InputError, match="is no store of staves"):
        read_store(path)
    assert not mark.exists()


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 200), some=st.binary(max_size=3))
def test_damaged_stores_are_refused_or_read(
    at: int, some: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.staves"
    write_store(path, [STAFF])
    data = path.read_bytes()
    path.write_bytes(data[:at] + some + data[at + len(some) :])
    with contextlib.suppress(InputError):
        assert isinstance(read_store(path), list)
