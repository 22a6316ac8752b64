"""StaffImages -> Logits: the network, run by the ONNX runtime. The sole door to onnxruntime."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from omrcli.errors import MissingDependencyError, ModelError, UsageError
from omrcli.registry import Model

from .devices import DEVICES, INSTALL_CUDA, REPAIR_RUNTIME, find_driver_problem, gpu_seems_present

# The runtime's own builds report their use over the network, keep a device id in the user's cache
# folder, and read this only once, before they start: it must come first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
try:
    import onnxruntime as ort

    ort.InferenceSession  # noqa: B018 - of a package that was half removed a bare folder is left
except (ImportError, AttributeError, OSError) as error:
    raise MissingDependencyError(
        f"The ONNX runtime is not whole ({' '.join(str(error).split())}); run {REPAIR_RUNTIME}"
    ) from error

if TYPE_CHECKING:
    from omrcli.staves.staff import StaffImage

INPUT_IMAGE, INPUT_WIDTHS, OUTPUT = "image", "widths", "log_probs"

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
# An exhaustive search for the best convolution would be repeated for every new batch width.
_CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC"}
_MOST_THREADS = 8  # one staff is little work: more threads cost more in waiting than they bring
_SILENT = 4  # the runtime's "fatal" log level: what fails is said in our words


@dataclass(frozen=True)
class Logits:
    """The network's output for one staff.

    `values` are log-probabilities, (T, C) float32, T = staff width in px // width_reduction.
    """

    values: NDArray[np.float32]

    @property
    def frames(self) -> int:
        """The number of frames T."""
        return int(self.values.shape[0])


class Reader:
    """A network ready to read staves.

    `device` is "cpu" or "cuda", the one in use; `notice` says why "auto" did not take a GPU that
    seems to be there, and is None otherwise.
    """

    def __init__(self, model: Model, device: str = "auto", threads: int = 0) -> None:
        """Load a model on a device; `threads` 0 takes the cores this process may use.

        Raises:
            UsageError: `device` is unknown or `threads` negative.
            MissingDependencyError: "cuda" is asked for and not usable.
            ModelError: the runtime refuses the model, or it is not of the shape its spec says.
        """
        if device not in DEVICES:
            raise UsageError(f"Device {device!r} is unknown; choose from {', '.join(DEVICES)}.")
        if threads < 0:
            raise UsageError("The number of threads must be 0 (all cores) or more.")
        self.model = model
        self.notice: str | None = None
        self._threads = threads or usable_cores()
        self._session = self._open(device)
        self.device = "cuda" if self._session.get_providers()[0] == _CUDA else "cpu"
        self._check_inputs()

    def read(self, staves: Sequence[StaffImage], batch_size: int = 8) -> list[Logits]:
        """Return the Logits of each staff, in the order given.

        Staves of similar width share a batch, padded with paper on the right.

        Raises:
            UsageError: `batch_size` is below 1.
            ModelError: the network fails, or gives another shape than its spec says.
        """
        if batch_size < 1:
            raise UsageError("The batch size must be at least 1.")
        found: dict[int, Logits] = {}
        for batch in batch_by_width([staff.pixels.shape[1] for staff in staves], batch_size):
            images = [staves[index].pixels for index in batch]
            found.update(zip(batch, self._read_batch(images), strict=True))
        return [found[index] for index in range(len(staves))]

    def _read_batch(self, images: Sequence[NDArray[np.float32]]) -> Iterator[Logits]:
        """Yield the Logits of a few (H, W) staff images, each with its true number of frames."""
        spec = self.model.spec
        batch, widths = pad_images(images, spec.height, spec.width_reduction)
        try:
            (values,) = self._session.run([OUTPUT], {INPUT_IMAGE: batch, INPUT_WIDTHS: widths})
        except Exception as error:  # the runtime's exceptions share no base class of their own
            raise ModelError(
                f"Model {spec.name!r} failed on a batch of {len(images)} "
                f"({_first_line(error)}); try --batch-size 1 or --device cpu."
            ) from error
        frames = [int(width) // spec.width_reduction for width in widths]
        if values.ndim != 3 or values.shape[1] < max(frames) or values.shape[2] != spec.classes:
            raise ModelError(
                f"Model {spec.name!r} gives {values.shape} for {max(frames)} frames "
                f"of {spec.classes} classes; export it again."
            )
        if np.isnan(values).any():
            raise ModelError(
                f"Model {spec.name!r} gives values that are no numbers; export it again."
            )
        for row, count in zip(values, frames, strict=True):
            yield Logits(np.ascontiguousarray(row[:count], dtype=np.float32))

    def _open(self, device: str) -> Any:
        """Return a session on the device asked for; "auto" falls back to the CPU."""
        ort.set_default_logger_severity(_SILENT)
        ort.disable_telemetry_events()  # on Windows, where the variable counts for nothing
        if device == "cpu" or (device == "auto" and not gpu_seems_present()):
            return self._new_session([_CPU])
        problem, session = self._try_cuda()
        if problem is None:
            return session
        if device == "cuda":
            raise MissingDependencyError(f"CUDA is not usable: {problem}.")
        self.notice = f"Reading on the CPU, although there seems to be a GPU: {problem}."
        return self._new_session([_CPU])

    def _try_cuda(self) -> tuple[str | None, Any]:
        """Return (None, a CUDA session), or (why there is none and what to do, None)."""
        if _CUDA not in ort.get_available_providers():
            return (
                "the installed ONNX runtime is built without it; "
                f"run pip uninstall onnxruntime, then {INSTALL_CUDA}"
            ), None
        problem = find_driver_problem()
        if problem is not None:
            return f"{problem}; install the driver for this GPU or use --device cpu", None
        missing = preload_cuda_libraries()
        session = self._new_session([(_CUDA, _CUDA_OPTIONS), _CPU])
        if session.get_providers()[0] == _CUDA:
            return None, session
        reason = f"missing library {missing[0]}" if missing else "its provider did not start"
        return f"{reason}; run {INSTALL_CUDA}", None

    def _new_session(self, providers: list[Any]) -> Any:
        options = ort.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Threads that wait for each other burn a fifth of the time; asleep they are as fast.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return ort.InferenceSession(str(self.model.path), options, providers=providers)
        except Exception as error:  # the runtime's exceptions share no base class of their own
            raise ModelError(
                f"The ONNX runtime refuses {self.model.path} ({_first_line(error)}); "
                "export it again."
            ) from error

    def _check_inputs(self) -> None:
        """Raise unless the network has the inputs and the height that its spec promises."""
        spec = self.model.spec
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        if set(inputs) != {INPUT_IMAGE, INPUT_WIDTHS} or OUTPUT not in outputs:
            raise ModelError(
                f"Model {spec.name!r} has inputs {sorted(inputs)}, outputs {sorted(outputs)}, not "
                f"{INPUT_IMAGE} and {INPUT_WIDTHS} to {OUTPUT}; make models with `omr export`."
            )
        shapes = inputs[INPUT_IMAGE], inputs[INPUT_WIDTHS], outputs[OUTPUT]
        if tuple(map(len, shapes)) != (4, 1, 3):
            raise ModelError(
                f"Model {spec.name!r} has inputs and outputs of other dimensions than a network "
                "for staves; make models with `omr export`."
            )
        height, classes = inputs[INPUT_IMAGE][2], outputs[OUTPUT][2]
        if isinstance(classes, int) and classes != spec.classes:
            raise ModelError(
                f"Model {spec.name!r} gives {classes} classes, but its spec names {spec.classes}; "
                "export it again."
            )
        if isinstance(height, int) and height != spec.height:
            raise ModelError(
                f"Model {spec.name!r} reads images {height} px high, "
                f"but its spec says {spec.height} px; export it again."
            )


def batch_by_width(widths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Return the indices of `widths` in batches of neighbours by width: little is padded."""
    order = sorted(range(len(widths)), key=lambda index: (widths[index], index))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def pad_images(
    images: Sequence[NDArray[np.float32]], height: int, width_reduction: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return images as one (B, 1, H, W) float32 array, paper on the right, and their true widths.

    An image narrower than one frame counts as one frame wide.

    Raises:
        ModelError: an image is not `height` px high.
    """
    widths = np.array([max(image.shape[1], width_reduction) for image in images], dtype=np.int64)
    widest = -(-int(widths.max()) // width_reduction) * width_reduction
    batch = np.zeros((len(images), 1, height, widest), dtype=np.float32)
    for row, image in zip(batch, images, strict=True):
        if image.shape[0] != height:
            raise ModelError(f"The model reads {height} px of height, not {image.shape[0]}.")
        row[0, :, : image.shape[1]] = image
    return batch, widths


def usable_cores() -> int:
    """Return how many cores this process may use, at most the number worth using."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else (os.cpu_count() or 1)
    return max(1, min(cores, _MOST_THREADS))


def execution_providers() -> list[str]:
    """Return the names of what the installed runtime can run networks on, the fastest first."""
    return list(ort.get_available_providers())


def preload_cuda_libraries() -> list[str]:
    """Load pip's CUDA and cuDNN libraries; return the names of those that are not there."""
    preload = getattr(ort, "preload_dlls", None)
    if preload is None:
        return []
    said = io.StringIO()  # the runtime prints what it misses to stdout, where results go
    with contextlib.redirect_stdout(said), contextlib.suppress(OSError):
        preload()
    return list(_missing_libraries(said.getvalue().splitlines()))


def _missing_libraries(lines: Iterable[str]) -> Iterator[str]:
    """Yield the library names in the runtime's "Failed to load NAME: ..." lines."""
    for line in lines:
        head, _, rest = line.partition("Failed to load ")
        if not head and rest:
            yield rest.split(":")[0]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def open_bytes(content: bytes) -> Callable[[NDArray[np.float32], NDArray[np.int64]], Any]:
    """A function that runs an ONNX file in memory on the CPU: (image, widths) -> log_probs.

    The exporter checks a network with it before anything is written.

    Raises:
        ModelError: the runtime refuses the content.
    """
    ort.set_default_logger_severity(_SILENT)
    try:
        session = ort.InferenceSession(content, providers=[_CPU])
    except Exception as error:  # the runtime's exceptions share no base class of their own
        raise ModelError(
            f"The ONNX runtime refuses the exported network ({_first_line(error)})."
        ) from error
    return lambda image, widths: session.run([OUTPUT], {INPUT_IMAGE: image, INPUT_WIDTHS: widths})[
        0
    ]
