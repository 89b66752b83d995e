"""Which properties are checked: one module each, which says how the question is put to a subject."""

import importlib
import pkgutil

from conformance.checks.check import CHECKS, Check

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.endswith("_selftest"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["CHECKS", "Check"]
