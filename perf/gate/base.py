"""What is the base: another attribute, another folder, another revision, or torch.nn itself?"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

from perf.gate.errors import Bad
from perf.gate.side import Side


def base_of(loss: str, head: Side, options, temporary: Path) -> Side:
    """The base of one head.  Raises Bad with one line."""
    if options.against == "torch":
        return Side(None, name=f"torch.nn.{loss}")
    if options.base_subject:
        return options.base_subject[loss]
    if head.source is None and (options.base_path or options.base_rev):
        raise Bad(f"--base-path, --base-rev: {head.name} is compared between two interpreters")
    if options.base_path:
        return replace(
            head, folder=str(Path(options.base_path).resolve()), name=f"{head.source} in {options.base_path}"
        )
    if options.base_rev:
        folder = at_revision(head.source, options.base_rev, temporary)
        return replace(head, folder=str(folder), name=f"{head.source} at {options.base_rev}")
    return head


def at_revision(source: str, revision: str, temporary: Path) -> Path:
    """The folder that a module is imported from, as it was at a revision of the git repository that it is in."""
    return at_revision_of(import_root(source), revision, temporary)


def at_revision_of(root: Path, revision: str, temporary: Path) -> Path:
    """The same of a folder in a repository.  Raises Bad."""
    top = Path(git(root, f"--base-rev {revision}: {root} is in no git repository", "rev-parse", "--show-toplevel"))
    unknown = f"--base-rev {revision}: {top} knows no such revision"
    commit = git(top, unknown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    there = temporary / f"{top.name}-{commit[:12]}"
    if not there.is_dir():
        extract(top, commit, there)
    folder = there / root.relative_to(top)
    if not folder.is_dir():
        raise Bad(f"--base-rev {revision}: it has no folder {root.relative_to(top)}")
    return folder


def extract(top: Path, commit: str, there: Path) -> None:
    packed = subprocess.run(["git", "-C", str(top), "archive", commit], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(there, filter="data")


def import_root(source: str) -> Path:
    """The folder from which a module is imported, or in which a file's relative path begins."""
    module = source.rpartition(":")[0]
    if module.endswith(".py"):
        file = Path(module)
        return file.parent.resolve() if file.is_absolute() else Path.cwd().resolve()
    origin = Path(found(module)).resolve()
    depth = len(module.split(".")) + (origin.name == "__init__.py")
    return origin.parents[depth - 1]


def found(module: str) -> str:
    """The file of a module.  Raises Bad where there is none."""
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    for folder in spec.submodule_search_locations or [] if spec else []:
        inside = Path(folder, *module.split(".")[1:])
        file = inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")
        if file.is_file():
            return str(file)
    if spec is None or not spec.origin or module != top:
        raise Bad(f"no module {module} is found from here")
    return spec.origin


def check_source(source: str) -> None:
    """Raises Bad where there is no such module or file."""
    module = source.rpartition(":")[0]
    if module.endswith(".py"):
        if not Path(module).is_file():
            raise Bad(f"no file {module}")
    elif module not in sys.modules:
        found(module)


def git(folder: Path, problem: str, *arguments: str) -> str:
    """What git says of a folder.  Raises Bad with the problem where it fails."""
    try:
        said = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Bad("--base-rev: git is not installed") from None
    if said.returncode:
        raise Bad(problem)
    return said.stdout.strip()
