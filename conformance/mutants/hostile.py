"""Subjects that break the form and not the mathematics: each must cost its own rows and nothing else."""

import ctypes
import os
import signal

import torch
from torch.nn import functional


class Raises(torch.nn.Module):
    """Raises when it is constructed."""

    def __init__(self, **_):
        raise RuntimeError("no licence found")


class WrongType(torch.nn.MSELoss):
    """Returns a float."""

    def forward(self, input, target):
        return float(functional.mse_loss(input, target))


class WrongShape(torch.nn.MSELoss):
    """Adds a dimension."""

    def forward(self, input, target):
        return super().forward(input, target).unsqueeze(0)


class WrongDtype(torch.nn.MSELoss):
    """Returns float64 whatever comes."""

    def forward(self, input, target):
        return super().forward(input, target).double()


class ReturnsNaN(torch.nn.MSELoss):
    """Is never a number."""

    def forward(self, input, target):
        return super().forward(input, target) * float("nan")


class MutatesInput(torch.nn.MSELoss):
    """Centres its input in place."""

    def forward(self, input, target):
        with torch.no_grad():
            input.sub_(target)
        return functional.mse_loss(input, torch.zeros_like(target), reduction=self.reduction)


class Dies(torch.nn.MSELoss):
    """Takes its process with it."""

    def forward(self, input, target):
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(torch.nn.MSELoss):
    """Leaves by the back door."""

    def forward(self, input, target):
        os._exit(3)


class Segfaults(torch.nn.MSELoss):
    """Reads where no memory is."""

    def forward(self, input, target):
        ctypes.string_at(0)


class Hangs(torch.nn.MSELoss):
    """Never returns."""

    def forward(self, input, target):
        while True:
            pass


class Deadlocks(torch.nn.MSELoss):
    """Waits for itself outside of Python, where no signal is heard."""

    def forward(self, input, target):
        lock, library = ctypes.create_string_buffer(64), ctypes.CDLL(None)
        library.pthread_mutex_lock(lock)
        library.pthread_mutex_lock(lock)


class Allocates(torch.nn.MSELoss):
    """Fills 30 GiB."""

    def forward(self, input, target):
        torch.empty(30 * 2**30, dtype=torch.uint8).fill_(1)
        return super().forward(input, target)
