"""Which execution provider the network runs on, and why CUDA is not usable where it is not.

Pure detection: this module asks the driver with `ctypes` and never imports the ONNX runtime.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

DEVICES = ("auto", "cpu", "cuda")
INSTALL_CUDA = "pip install 'onnxruntime-gpu[cuda,cudnn]'"


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


def _driver_name() -> str:
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def _load_driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(_driver_name())
    except OSError:
        return None
