"""Where torch.nn is known to break a promise.  Every entry proves, on every run, that it still does."""

import importlib
import pkgutil

from conformance.deviations.deviation import DEVIATIONS, Deviation

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.endswith("_selftest"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["DEVIATIONS", "Deviation"]
