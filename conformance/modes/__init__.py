"""Ways to execute a subject, one module each."""

import importlib
import pkgutil

from conformance.modes.mode import MODES, Mode

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.endswith("_selftest"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["MODES", "Mode"]
