"""Whether the network can run on a GPU, and if not, which file is missing and what brings it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from omrcli.errors import MissingDependencyError
from omrcli.reading import devices

from .findings import MISSING, OK, TOLD, Finding, Section

_CUDA = "CUDAExecutionProvider"
_LIBRARIES = ("libcudart", "libcublas.", "libcudnn.", "libcufft.")


def check_graphics() -> Section:
    """Execution providers, driver and GPUs, CUDA and cuDNN libraries.

    Nothing here is wrong: without a GPU everything is read on the CPU.
    """
    return Section("GPU", tuple(_check()))


def _check() -> Iterator[Finding]:
    try:
        from omrcli.reading import logits
    except MissingDependencyError as error:
        yield Finding("ONNX runtime", "not whole", MISSING, str(error))
        return
    providers = logits.execution_providers()
    shown = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    yield Finding("execution providers", shown, OK)
    if not devices.gpu_seems_present():
        yield Finding("NVIDIA GPU", "none seen; the CPU reads", TOLD)
        return
    problem = devices.find_driver_problem()
    if problem is not None:
        advice = "Install the driver for this GPU, or read on the CPU."
        yield Finding("NVIDIA driver", problem, MISSING, advice)
        return
    yield Finding("NVIDIA driver", f"speaks CUDA {devices.driver_version() or 'unknown'}", OK)
    yield Finding("NVIDIA GPU", ", ".join(devices.gpu_names()) or "unknown", OK)
    if _CUDA not in providers:
        advice = f"Run pip uninstall onnxruntime, then {devices.INSTALL_CUDA}."
        yield Finding("CUDA in ONNX runtime", "not built in", MISSING, advice)
        return
    yield from _check_libraries(logits.preload_cuda_libraries())


def _check_libraries(missing: list[str]) -> Iterator[Finding]:
    for name in missing:
        yield Finding(name, "not found", MISSING, f"Run {devices.INSTALL_CUDA}.")
    for path in devices.loaded_libraries(_LIBRARIES):
        yield Finding(Path(path).name, path, OK)
    if not missing:
        yield Finding("CUDA and cuDNN", "all libraries found", OK)
