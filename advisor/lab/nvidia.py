"""NVIDIA GPUs, by the management library of the driver or by the driver's own files."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.lab.asking import pairs, text_of
from advisor.lab.hardware import Accelerator

_FILES = "proc/driver/nvidia"


def nvidia(root: Path) -> tuple[Accelerator, ...]:
    """GPUs that the driver serves; () without a driver."""
    return by_library() or by_files(root)


def by_library() -> tuple[Accelerator, ...]:
    """GPUs that NVML lists; () where nvidia-ml-py or the library of the driver is missing."""
    if find_spec("pynvml") is None:
        return ()
    import pynvml as nvml

    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    try:
        driver = f"nvidia {_text(nvml.nvmlSystemGetDriverVersion())}"
        handles = [nvml.nvmlDeviceGetHandleByIndex(place) for place in range(nvml.nvmlDeviceGetCount())]
        return tuple(
            Accelerator("gpu", _text(nvml.nvmlDeviceGetName(one)), _memory(nvml, one), driver, "NVML", reachable=True)
            for one in handles
        )
    except nvml.NVMLError:
        return ()
    finally:
        nvml.nvmlShutdown()


def by_files(root: Path) -> tuple[Accelerator, ...]:
    """GPUs in ``/proc/driver/nvidia``, which tells no memory."""
    kernel = text_of(root / _FILES / "version").partition("Kernel Module")[2].split()
    version = next((word for word in kernel if word[0].isdigit()), None)
    driver = "nvidia" if version is None else f"nvidia {version}"
    reachable = any(root.glob("dev/nvidia[0-9]*"))
    folders = sorted((root / _FILES / "gpus").glob("*"))
    models = [dict(pairs(text_of(folder / "information"), ":")).get("Model") for folder in folders]
    return tuple(Accelerator("gpu", model, None, driver, f"/{_FILES}", reachable) for model in models if model)


def _memory(nvml: Any, handle: Any) -> int | None:
    """Memory of a GPU; those that share the machine's have none."""
    try:
        return int(nvml.nvmlDeviceGetMemoryInfo(handle).total) or None
    except nvml.NVMLError:
        return None


def _text(name: Any) -> str:
    """Name as text; old versions of the library give bytes."""
    return name.decode() if isinstance(name, bytes) else str(name)
