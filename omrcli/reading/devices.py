"""Which execution provider the network runs on, and why CUDA is not usable where it is not.

Pure detection: this module asks the driver with `ctypes` and never imports the ONNX runtime.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

DEVICES = ("auto", "cpu", "cuda")
INSTALL_CUDA = "pip install 'onnxruntime-gpu[cuda,cudnn]'"
_HAS_CUDA = sys.platform in ("linux", "win32") and platform.machine() in ("x86_64", "AMD64")
#: Both builds of the runtime share most of their files: to remove one breaks the other.
REPAIR_RUNTIME = (
    "pip uninstall -y onnxruntime onnxruntime-gpu, then "
    f"pip install {'onnxruntime-gpu' if _HAS_CUDA else 'onnxruntime'}"
)
_LONGEST_NAME = 256


def gpu_seems_present() -> bool:
    """Tell whether this machine shows signs of an NVIDIA GPU, whatever state its driver is in."""
    if sys.platform == "win32":
        return _load_driver() is not None
    nodes = ("/dev/nvidia0", "/proc/driver/nvidia/version", "/dev/dxg")
    return any(Path(node).exists() for node in nodes)


def find_driver_problem() -> str | None:
    """Return why the NVIDIA driver offers no GPU to this process, or None where it does."""
    driver = _load_driver()
    if driver is None:
        return f"the NVIDIA driver is not installed ({_driver_name()} was not found)"
    code = driver.cuInit(0)
    if code != 0:
        return f"the NVIDIA driver reports error {code} (100 means that it sees no GPU)"
    count = ctypes.c_int(0)
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "the NVIDIA driver offers no GPU to this process (is CUDA_VISIBLE_DEVICES empty?)"
    return None


def driver_version() -> str | None:
    """Return the newest CUDA that the NVIDIA driver speaks, such as "12.4", or None."""
    driver = _load_driver()
    number = ctypes.c_int(0)
    if driver is None or driver.cuDriverGetVersion(ctypes.byref(number)) != 0:
        return None
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


def gpu_names() -> list[str]:
    """Return the names of the GPUs that the driver offers to this process."""
    driver = _load_driver()
    if driver is None or find_driver_problem() is not None:
        return []
    count = ctypes.c_int(0)
    driver.cuDeviceGetCount(ctypes.byref(count))
    names = []
    for index in range(count.value):
        name = ctypes.create_string_buffer(_LONGEST_NAME)
        if driver.cuDeviceGetName(name, _LONGEST_NAME, index) == 0:
            names.append(name.value.decode(errors="replace"))
    return names


def loaded_libraries(prefixes: Sequence[str]) -> list[str]:
    """Return the paths of this process's shared libraries whose names begin so; Linux only."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {line[line.index("/") :] for line in lines if "/" in line}
    return sorted(path for path in paths if Path(path).name.startswith(tuple(prefixes)))


def _driver_name() -> str:
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def _load_driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(_driver_name())
    except OSError:
        return None
