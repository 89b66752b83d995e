"""Which calls of a loss are invalid: one change of a valid case each, derived from the header of its contract."""

from conformance.invalid.catalogue import catalogue
from conformance.invalid.invalid import Invalid

__all__ = ["Invalid", "catalogue"]
