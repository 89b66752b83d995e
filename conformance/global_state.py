"""Which settings of the process and which random numbers may a subject not touch?"""

from __future__ import annotations

import pickle
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Setting:
    """Something that is the same for the whole process: how to read it, and how to put it back."""

    read: Callable[[], object]
    write: Callable[[object], object]


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _flushes() -> bool:
    return bool(torch.tensor(2.0**-140) * 1.0 == 0)


def _put_filters(filters) -> None:
    warnings.filters[:] = filters
    warnings._filters_mutated()


FILTERS = "filters of warnings"
SETTINGS: dict[str, Setting] = {
    "the grad mode": Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    "the default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    "the default device": Setting(torch.get_default_device, lambda _: torch.set_default_device(None)),
    "deterministic algorithms": Setting(
        _deterministic, lambda old: torch.use_deterministic_algorithms(old[0], warn_only=old[1])
    ),
    "the number of threads": Setting(torch.get_num_threads, torch.set_num_threads),
    "anomaly detection": Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "the precision of matrix products": Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "flushing of subnormal numbers": Setting(_flushes, torch.set_flush_denormal),
    FILTERS: Setting(lambda: list(warnings.filters), _put_filters),
    "NumPy's handling of errors": Setting(np.geterr, lambda old: np.seterr(**old)),
}  # fmt: skip


def _cuda_state() -> bytes | None:
    """The state of CUDA's generator, once there is one."""
    return torch.cuda.get_rng_state().numpy().tobytes() if torch.cuda.is_initialized() else None


def _put_cuda_state(old: bytes | None) -> None:
    if old is not None:
        torch.cuda.set_rng_state(torch.frombuffer(bytearray(old), dtype=torch.uint8))


GENERATORS: dict[str, Setting] = {
    "torch": Setting(
        lambda: torch.get_rng_state().numpy().tobytes(),
        lambda old: torch.set_rng_state(torch.frombuffer(bytearray(old), dtype=torch.uint8)),
    ),
    "torch on CUDA": Setting(_cuda_state, _put_cuda_state),
    "NumPy": Setting(lambda: pickle.dumps(np.random.get_state()), lambda old: np.random.set_state(pickle.loads(old))),
    "Python": Setting(random.getstate, random.setstate),
}


def stir() -> None:
    """Draw a number from every generator, so that no state is one that an earlier call has left."""
    torch.rand(()), np.random.random(), random.random()
    if torch.cuda.is_initialized():
        torch.rand((), device="cuda")


def changes(settings: dict[str, Setting], act: Callable[[], object]) -> list[str]:
    """The names of the settings that ``act`` leaves changed; they are put back."""
    before = {name: setting.read() for name, setting in settings.items()}
    try:
        act()
    finally:
        changed = [name for name, setting in settings.items() if setting.read() != before[name]]
        for name in changed:
            settings[name].write(before[name])
    return changed
