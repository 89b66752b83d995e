"""``python -m perf.gate``: is a loss slower than it was?"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from perf.gate import junit, table
from perf.gate.errors import Bad
from perf.gate.measuring import Measuring
from perf.gate.options import read
from perf.gate.results import Results
from perf.gate.running import run

INTERRUPTED, BAD = 2, 4


def main(arguments: list[str]) -> int:
    """Exit status: 0 no regression, 1 a regression, a wrong head or a stale entry, 2 interrupted, 4 a bad option."""
    with tempfile.TemporaryDirectory(prefix="perf-gate-") as temporary:
        try:
            asked = read(arguments, Path(temporary))
        except Bad as problem:
            print(f"perf-gate: {problem}", file=sys.stderr)
            return BAD
        results = Results(asked, arguments)
        results.write()
        return measured(results, Measuring(Path(temporary), asked.seed, asked.pythons))


def measured(results: Results, measuring: Measuring) -> int:
    """Run, write, show; interrupted, with what there is."""
    try:
        run(results, measuring)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        results.footer["exit_status"] = INTERRUPTED
        results.write()
        print(f"perf-gate: interrupted; what was measured is in {results.asked.results}", file=sys.stderr)
        return INTERRUPTED
    document = results.finish()
    junit.write(document, results.asked.junit)
    print("\n".join(table.lines(document)))
    return document["footer"]["exit_status"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
