"""What is one of the two that are compared, and how is it loaded beside the other in one process?"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.items import torch_subject
from conformance.options import import_module, one_line
from conformance.subject import Subject
from reference import Contract


class NotLoaded(Exception):
    """There is nothing to measure: the message is one line."""


@dataclass(frozen=True)
class Side:
    """``source``: MODULE:ATTR or FILE.py:ATTR, None for torch.nn's own class.  ``folder``: where its module is found
    instead of the working directory.  ``name``: what results call it.  ``maker``: MODULE:FUNCTION that makes its
    calls, as :func:`perf.gate.calls.of_subject` does; ``options`` are for it.  ``apart``: whether its modules cannot
    share a process with those of the other side."""

    source: str | None
    folder: str | None = None
    name: str = ""
    maker: str = "perf.gate.calls:of_subject"
    options: tuple[tuple[str, object], ...] = ()
    apart: bool = False


def load(side: Side, contract: Contract) -> Subject:
    """The subject of a side.  Raises NotLoaded with one line that says why there is none."""
    if side.source is None:
        subject = torch_subject(contract)
    else:
        with modules_from(side.folder):
            subject = imported(side)
    if subject.problem:
        raise NotLoaded(subject.problem)
    return subject


def imported(side: Side) -> Subject:
    """What the attribute of the module is, as a subject.  Raises NotLoaded."""
    module, _, attribute = side.source.rpartition(":")
    try:
        found = getattr(import_module(file_in(side.folder, module)), attribute)
        return found if isinstance(found, Subject) else Subject(found, name=side.source)
    except (Exception, SystemExit) as error:
        raise NotLoaded(f"{side.name or side.source} does not import: {one_line(error)}") from None


def file_in(folder: str | None, module: str) -> str:
    """A module's name; a file's path, in ``folder`` where there is one."""
    if folder is None or not module.endswith(".py"):
        return module
    inside = Path(folder, module)
    return str(inside if inside.is_file() else Path(folder, Path(module).name))


@contextmanager
def modules_from(folder: str | None) -> Iterator[None]:
    """While it is open, modules that ``folder`` has come from there; before and after, they are what they were."""
    if folder is None:
        yield
        return
    own = top_level(folder)
    aside = taken(own)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(folder)
        taken(own)
        sys.modules.update(aside)


def top_level(folder: str) -> set[str]:
    """The modules and packages that lie in a folder."""
    inside = Path(folder).iterdir()
    return {p.stem for p in inside if p.suffix == ".py" or (p / "__init__.py").is_file()}


def taken(own: set[str]) -> dict[str, object]:
    """Take the modules of some top-level names out of those that are loaded."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in own}
