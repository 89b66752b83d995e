"""What is true: contracts, oracles in NumPy, mirrors in JAX, and the arithmetic that bounds their errors.

Importing this package registers every contract in :data:`CONTRACTS`; the mirrors load JAX on first use.
"""

import importlib
import pkgutil

from reference import in_numpy
from reference.contract import CONTRACTS, Contract, Field, contract

for _module in pkgutil.iter_modules(in_numpy.__path__):
    importlib.import_module(f"reference.in_numpy.{_module.name}")

__all__ = ["CONTRACTS", "Contract", "Field", "contract"]
