"""What a run depends on besides the suite: versions, the processor, the GPU, threads."""

from __future__ import annotations

import platform
from importlib import metadata


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def environment(devices: tuple[str, ...]) -> dict:
    """Versions and hardware, without importing torch unless a GPU takes part."""
    packages = ("torch", "jax", "numpy", "scipy", "hypothesis", "python-flint")
    return {name: version_of(name) for name in packages} | {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_capability": cpu_capability(),
        "gpu": gpu_name() if "cuda" in devices else None,
        "threads": 1,
    }


def _cpuinfo(key: str) -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
    except OSError:
        return ""


def cpu_name() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_capability() -> str:
    """The vector instructions that torch's kernels would choose from, as torch names them."""
    flags = set(_cpuinfo("flags").split())
    if {"avx512f", "avx512dq", "avx512vl", "avx512bw"} <= flags:
        return "AVX512"
    return "AVX2" if {"avx2", "fma"} <= flags else "DEFAULT"


def gpu_name() -> str | None:
    import torch  # a GPU takes part: torch is there anyway

    if not torch.cuda.is_available():
        return None
    major, minor = torch.cuda.get_device_capability()
    count = torch.cuda.device_count()
    several = f", one of {count}" if count > 1 else ""
    return f"{torch.cuda.get_device_name()} (capability {major}.{minor}, CUDA {torch.version.cuda}, no TF32{several})"
