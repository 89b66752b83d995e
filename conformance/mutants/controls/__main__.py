"""Does the gate flag a correct loss?  ``python -m conformance.mutants.controls [NAME ...]``: at five seeds, all checks.

Takes minutes for each control.  Ends with status 1 when one is flagged.
"""

import sys
import time

from conformance.mutants.controls import CONTROLS
from conformance.mutants.judging import alarms
from conformance.subject import single_threaded

SEEDS = (0, 1, 2, 3, 4)


def main(names: list[str]) -> int:
    """One line for each control, and one for each false alarm."""
    single_threaded()
    wrong = 0
    for name in names or CONTROLS:
        began, source = time.perf_counter(), f"conformance.mutants.controls:{name}"
        found = [f"seed {seed}: {a}" for seed in SEEDS for a in alarms(CONTROLS[name], source, "gate", seed)]
        print(f"{name}: {len(found)} false alarms, {time.perf_counter() - began:.0f} s", *found, sep="\n  ", flush=True)
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
