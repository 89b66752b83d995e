"""What becomes of a formula whose every step is stored in the dtype of its inputs, where a step overflows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conformance.deviations.deviation import deviation
from reference import Contract


def is_lost(answer: np.ndarray) -> np.ndarray:
    """Whether an answer is what an overflow leaves behind: infinite, NaN, or nought."""
    return ~np.isfinite(answer) | (answer == 0)


def steps_overflow(contract: Contract, *, witness: Mapping[str, object], condition: str, **rest) -> None:
    """Register that the contract's own formula overflows when every step and sum is stored in the dtype."""

    @deviation(
        contract.loss, of="value", name="steps-overflow", steps="storage", condition=condition,
        stores_sums=True, witness=witness, **{"severity": "nan", "answers": is_lost, **rest},
    )  # fmt: skip
    def instead(**given):
        """The loss overflows, or is NaN or nought in consequence, although it is representable.

        Every intermediate result, the sum of the terms and that of their weights included, is stored in the
        dtype of the input.  Infinity is what one that exceeds it becomes; zero times that, or one infinity
        divided by another, is NaN, and a sum divided by it is nought.
        """
        return contract.formula(**given)


def gradient_steps_overflow(contract: Contract, *, witness: Mapping[str, object], condition: str, **rest) -> None:
    """Register the same of the contract's pullback."""

    @deviation(
        contract.loss, of="gradient", name="gradient-steps-overflow", steps="storage", condition=condition,
        witness=witness, **{"severity": "nan", "answers": is_lost, **rest},
    )  # fmt: skip
    def instead(cotangent, **given):
        """The gradient overflows, or is NaN or nought in consequence, although it is representable.

        Every intermediate result, the upstream gradient divided by the sum of the weights included, is stored
        in the dtype of the input.
        """
        return contract.pullback(cotangent, **given)
