from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.errors import MissingDependencyError, ModelError, UsageError
from omrcli.reading import devices, logits
from omrcli.reading.logits import Reader, batch_by_width, pad_images
from omrcli.registry import Model, load_model
from tests import tiny


@dataclass(frozen=True)
class Image:
    """What a Reader needs of a StaffImage."""

    pixels: NDArray[np.float32]


def staff(width: int, height: int = 112) -> Any:
    return Image(np.zeros((height, width), dtype=np.float32))


@pytest.fixture
def model() -> Model:
    return load_model(tiny.PATH)


def test_each_staff_has_its_own_number_of_frames(model: Model) -> None:
    found = Reader(model, "cpu").read([staff(403), staff(30), staff(160)], batch_size=2)
    assert [item.frames for item in found] == [100, 7, 40]
    assert all(item.values.dtype == np.float32 for item in found)


def test_order_is_that_of_the_staves_whatever_the_batches(model: Model) -> None:
    reader = Reader(model, "cpu")
    widths = [300, 40, 200, 44, 120]
    for size in (1, 2, 5):
        frames = [item.frames for item in reader.read([staff(w) for w in widths], size)]
        assert frames == [w // 4 for w in widths]


def test_values_are_the_networks(model: Model) -> None:
    (found,) = Reader(model, "cpu").read([staff(4 * len(tiny.tune_log_probs()))])
    np.testing.assert_array_equal(found.values, tiny.tune_log_probs())


def test_staff_narrower_than_a_frame_has_one_frame(model: Model) -> None:
    (found,) = Reader(model, "cpu").read([staff(1)])
    assert found.frames == 1


def test_no_staves_give_no_logits(model: Model) -> None:
    assert Reader(model, "cpu").read([]) == []


def test_batches_hold_neighbours_by_width() -> None:
    assert batch_by_width([30, 10, 20, 11], 2) == [[1, 3], [2, 0]]


def test_padding_is_paper_on_the_right() -> None:
    ink = np.ones((112, 10), dtype=np.float32)
    batch, widths = pad_images([ink, ink[:, :5]], 112, 4)
    assert batch.shape == (2, 1, 112, 12)
    assert widths.tolist() == [10, 5]
    assert batch[0, 0].sum() == 112 * 10
    assert batch[1, 0, :, 5:].sum() == 0


def test_wrong_height_is_refused(model: Model) -> None:
    with pytest.raises(ModelError, match="The model reads 112 px of height, not 100"):
        Reader(model, "cpu").read([staff(40, height=100)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "Device 'tpu' is unknown; choose from auto, cpu, cuda."),
        ({"threads": -1}, "The number of threads must be 0 (all cores) or more."),
    ],
)
def test_bad_options(model: Model, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reader(model, **options)
    assert str(caught.value) == message


def test_bad_batch_size(model: Model) -> None:
    with pytest.raises(UsageError, match="The batch size must be at least 1"):
        Reader(model, "cpu").read([staff(40)], batch_size=0)


def test_file_that_the_runtime_refuses(model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x07garbage")
    with pytest.raises(ModelError, match=r"The ONNX runtime refuses .*bad.onnx"):
        Reader(replace(model, path=tmp_path / "bad.onnx"), "cpu")


def test_spec_of_another_height(model: Model) -> None:
    other = replace(model, spec=replace(model.spec, above=9))
    with pytest.raises(ModelError, match="reads images 112 px high, but its spec says 144 px"):
        Reader(other, "cpu")


def test_spec_of_another_vocabulary(model: Model) -> None:
    other = replace(model, spec=replace(model.spec, units=model.spec.units[1:], blank=0))
    with pytest.raises(ModelError, match="gives 12 classes, but its spec names 11; export"):
        Reader(other, "cpu")


def test_a_network_that_gives_other_shapes_than_it_promises(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(model, spec=replace(model.spec, units=model.spec.units[1:], blank=0))
    monkeypatch.setattr(Reader, "_check_inputs", lambda self: None)
    with pytest.raises(ModelError, match=r"gives \(1, 10, 12\) for 10 frames of 11 classes"):
        Reader(other, "cpu").read([staff(40)])


def test_cuda_without_provider(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingDependencyError) as caught:
        Reader(model, "cuda")
    assert str(caught.value) == (
        "CUDA is not usable: the installed ONNX runtime is built without it; run pip uninstall "
        "onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]'."
    )


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that has the CUDA provider, whichever one is installed."""
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(logits.ort, "get_available_providers", lambda: providers)


@pytest.mark.usefixtures("cuda_build")
def test_cuda_without_driver(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_load_driver", lambda: None)
    with pytest.raises(
        MissingDependencyError, match="the NVIDIA driver is not installed"
    ) as caught:
        Reader(model, "cuda")
    assert "install the driver for this GPU or use --device cpu" in str(caught.value)


@pytest.mark.usefixtures("cuda_build")
def test_cuda_without_libraries(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def preload() -> None:
        print("Failed to load libcublasLt.so.13: libcublasLt.so.13: cannot open shared object file")

    monkeypatch.setattr(logits, "find_driver_problem", lambda: None)
    monkeypatch.setattr(logits.ort, "preload_dlls", preload)
    on_cpu = Reader(model, "cpu")._session
    monkeypatch.setattr(Reader, "_new_session", lambda *args: on_cpu)
    with pytest.raises(MissingDependencyError) as caught:
        Reader(model, "cuda")
    assert str(caught.value) == (
        "CUDA is not usable: missing library libcublasLt.so.13; "
        "run pip install 'onnxruntime-gpu[cuda,cudnn]'."
    )


@pytest.mark.usefixtures("cuda_build")
def test_auto_falls_back_and_says_why_if_a_gpu_seems_there(
    model: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logits, "gpu_seems_present", lambda: True)
    monkeypatch.setattr(logits, "find_driver_problem", lambda: "the driver sleeps")
    reader = Reader(model, "auto")
    assert reader.device == "cpu"
    assert reader.notice is not None
    assert "although there seems to be a GPU: the driver sleeps" in reader.notice
    assert capsys.readouterr().out == ""


def test_auto_is_silent_without_a_gpu(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logits, "gpu_seems_present", lambda: False)
    assert Reader(model, "auto").notice is None


class FakeDriver:
    """Answers as libcuda does, through ctypes."""

    def __init__(self, error: int, count: int) -> None:
        self.error, self.count = error, count

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's own name
        return self.error

    def cuDeviceGetCount(self, pointer: Any) -> int:  # noqa: N802
        pointer._obj.value = self.count
        return 0


@pytest.mark.parametrize(
    ("driver", "problem"),
    [
        (None, "the NVIDIA driver is not installed"),
        (FakeDriver(100, 0), "the NVIDIA driver reports error 100"),
        (FakeDriver(0, 0), "offers no GPU to this process"),
    ],
)
def test_driver_problems(monkeypatch: pytest.MonkeyPatch, driver: Any, problem: str) -> None:
    monkeypatch.setattr(devices, "_load_driver", lambda: driver)
    assert problem in str(devices.find_driver_problem())


def test_driver_without_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_load_driver", lambda: FakeDriver(0, 1))
    assert devices.find_driver_problem() is None
