"""What are the numbers behind an argument, whichever arithmetic it came in?"""

from __future__ import annotations

import numpy as np

from reference.arithmetic.rounded import Rounded


def plain(x) -> np.ndarray:
    """The float64 values of an exact argument, same shape, for masks that are bookkeeping and not kinks.

    ``0 log 0`` needs to know where the zeros are; a comparison in the arithmetic itself would be unsure there
    wherever ties count as kinks.  Never use it where the two sides of the comparison differ in the limit.
    """
    if hasattr(x, "primal"):
        return plain(x.primal)
    if isinstance(x, Rounded):
        return x.value
    if hasattr(x, "balls"):
        return np.vectorize(lambda ball: float(ball.mid()), otypes=[float])(x.balls)
    return np.asarray(x, float)
