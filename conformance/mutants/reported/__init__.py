"""Bugs that were reported in public, each planted in the torch.nn loss closest to it.

Planted before the checks that should find them were written.  ``conformance.mutants.reported.family(name)`` says
which module has a bug; REPORTED says of each the loss, the report, and the check that is expected to find it.
"""

from conformance.mutants.reported import binary, classification, distance, likelihood, picking, regression, sequence
from conformance.mutants.reported.bug import Bug

FAMILIES = (regression, binary, classification, picking, likelihood, distance, sequence)

#: Every bug by the name of its class.
REPORTED: dict[str, Bug] = {name: bug for family in FAMILIES for name, bug in family.BUGS.items()}


def family(name: str):
    """The module that has the class of a bug."""
    return next(f for f in FAMILIES if name in f.BUGS)
