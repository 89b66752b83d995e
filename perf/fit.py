"""What of a time is there for every call, and what for every element?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

#: What a fit is of, over its sizes.
KEY = ("loss", "implementation", "direction", "dtype", "device")


def fits(results: Iterable[tuple[Mapping, float]]) -> list[dict]:
    """Latency in microseconds and slope in nanoseconds per element, for every series of at least two sizes.

    ``results``: what is known of each cell, and its median time in seconds.  Least squares of relative errors: a short
    time counts as much as a long one.
    """
    series = defaultdict(list)
    for facts, seconds in results:
        series[tuple(facts[k] for k in KEY)].append((facts["elements"], seconds, facts["size"]))
    return [
        dict(zip(KEY, key, strict=True)) | line([p[0] for p in points], [p[1] for p in points])
        | {"sizes": [p[2] for p in points]}
        for key, points in series.items() if len({p[0] for p in points}) > 1
    ]  # fmt: skip


def line(elements: list[int], seconds: list[float]) -> dict[str, float]:
    """``seconds = latency + slope * elements``; neither is negative."""
    n, t = np.asarray(elements, float), np.asarray(seconds)
    columns = np.stack([1 / t, n / t], axis=1)
    latency, slope = np.linalg.lstsq(columns, np.ones_like(t), rcond=None)[0]
    if slope < 0:
        latency, slope = 1 / np.mean(1 / t), 0.0
    if latency < 0:
        latency, slope = 0.0, 1 / np.mean(n / t)
    return {"latency_us": float(latency * 1e6), "ns_per_element": float(slope * 1e9)}
