"""Comparisons whose outcome is not certain: true or false, and where it could be the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Unsure:
    """Elementwise truth values, where they are ``unsure``, and the array class that decides what follows.

    ``owner.where(condition, a, b)`` covers both branches where the condition is unsure.
    """

    truth: np.ndarray
    unsure: np.ndarray
    owner: object

    def __bool__(self) -> bool:
        return bool(self.truth)

    def __and__(self, other) -> Unsure:
        other = self._lift(other)
        maybe = (self.truth | self.unsure) & (other.truth | other.unsure)
        surely = self.truth & ~self.unsure & other.truth & ~other.unsure
        return Unsure(self.truth & other.truth, maybe & ~surely, self.owner)

    __rand__ = __and__

    def __or__(self, other) -> Unsure:
        return ~(~self & ~self._lift(other))

    __ror__ = __or__

    def __invert__(self) -> Unsure:
        return Unsure(~self.truth, self.unsure, self.owner)

    def __getitem__(self, key) -> Unsure:
        return Unsure(self.truth[key], self.unsure[key], self.owner)

    def _lift(self, other) -> Unsure:
        if isinstance(other, Unsure):
            return other
        truth = np.asarray(other, bool)
        return Unsure(truth, np.zeros_like(truth), self.owner)

    __array_ufunc__ = None

    def __array_function__(self, func, types, args, kwargs):
        if func is np.where:
            return self.owner.where(*args)
        if func in (np.expand_dims, np.reshape, np.broadcast_to, np.squeeze):
            parts = (func(part, *args[1:], **kwargs) for part in (self.truth, self.unsure))
            return Unsure(*parts, self.owner)
        return NotImplemented
