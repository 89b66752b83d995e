"""The door through which an installed suite enters pytest: only for runs that ask for it.

Other projects' pytest runs in the same environment see none of the suite's options.
"""

from pathlib import Path

PLUGIN = "conformance.plugin"


def asks_for_checks(args: list[str]) -> bool:
    """Whether a command line names this package, by import name or by path."""
    here = Path(__file__).parent
    for arg in args:
        place = str(arg).partition("::")[0]
        if place == "conformance" or place.startswith("conformance."):
            return True
        if not place.startswith("-") and here in (Path(place).resolve(), *Path(place).resolve().parents):
            return True
    return False


def pytest_load_initial_conftests(early_config, args):
    """Load the suite's plugin before the command line is parsed for good."""
    if asks_for_checks(args) and not early_config.pluginmanager.has_plugin(PLUGIN):
        early_config.pluginmanager.import_plugin(PLUGIN)
