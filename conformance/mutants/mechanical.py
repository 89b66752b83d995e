"""Mechanical mutants of the plain losses, each under a stable name: the loss, the operator, which occurrence.

``conformance.mutants.mechanical:HuberLoss_swap_sign_3`` is the plain Huber loss after the third of the changes
that the operator ``swap_sign`` can make to it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

from conformance.mutants import plain
from conformance.mutants.operators import OPERATORS

Path = tuple[tuple[str, int | None], ...]
#: Parts of a syntax tree that are not mutated: they do not compute.
SKIPPED = (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)


@dataclass(frozen=True)
class Mutant:
    """One change: ``path`` leads to the node of the loss's source for which ``new`` is put."""

    loss: str
    operator: str
    number: int
    path: Path
    new: ast.AST

    @property
    def name(self) -> str:
        return f"{self.loss}_{self.operator}_{self.number}"

    @property
    def change(self) -> str:
        """In which function what becomes what."""
        tree, place = flattened(self.loss), []
        node = tree
        for step in self.path:
            node = follow(node, step)
            place += [node.name] if isinstance(node, ast.ClassDef | ast.FunctionDef) else []
        before, after = (" ".join(ast.unparse(_head(n)).split()) for n in (node, self.new))
        return f"{'.'.join(place)}: {before} -> {after}"


def _head(node: ast.AST) -> ast.AST:
    """A conditional statement without what it governs."""
    return node.test if isinstance(node, ast.If) else node


@cache
def definitions() -> tuple[dict[str, ast.stmt], list[ast.stmt]]:
    """Every top-level definition of the plain modules by name, and what they import from elsewhere."""
    found: dict[str, ast.stmt] = {}
    imports: dict[str, ast.stmt] = {}
    for module in pkgutil.iter_modules(plain.__path__):
        source = inspect.getsource(importlib.import_module(f"{plain.__name__}.{module.name}"))
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                if not (getattr(node, "module", None) or "").startswith("conformance"):
                    imports[ast.unparse(node)] = node
                continue
            name = node.targets[0].id if isinstance(node, ast.Assign) else getattr(node, "name", None)
            if name in found:
                raise ValueError(f"two plain modules define {name}")
            found |= {name: node} if name else {}
    return found, [imports[k] for k in sorted(imports)]


@cache
def flattened(loss: str) -> ast.Module:
    """One module with everything that a plain loss needs, definitions before their uses."""
    found, imports = definitions()
    order: dict[str, ast.stmt] = {}

    def add(name: str, above: tuple[str, ...] = ()) -> None:
        for node in ast.walk(found[name]):
            if isinstance(node, ast.Name) and node.id in found and node.id not in (*above, name, *order):
                add(node.id, (*above, name))
        order[name] = found[name]

    add(loss)
    return ast.Module([*imports, *order.values()], [])


def follow(node: ast.AST, step: tuple[str, int | None]) -> ast.AST:
    field, index = step
    child = getattr(node, field)
    return child if index is None else child[index]


def places(node: ast.AST, path: Path = (), function: bool = False) -> Iterator[tuple[Path, ast.AST, bool]]:
    """Every node that computes, in the order of the source, and whether autograd does not see it."""
    yield path, node, function
    for field, value in ast.iter_fields(node):
        if field in ("decorator_list", "bases"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not isinstance(child, SKIPPED):
                hidden = function or (isinstance(node, ast.ClassDef) and "Function" in ast.unparse(node.bases or []))
                yield from places(child, (*path, (field, index)), hidden)


@cache
def mutants(loss: str) -> dict[str, Mutant]:
    """Every mutant of a loss by name."""
    found: dict[str, Mutant] = {}
    seen: set[tuple[Path, str]] = set()
    count = dict.fromkeys(OPERATORS, 0)
    for path, node, hidden in places(flattened(loss)):
        for operator, change in OPERATORS.items():
            if operator == "detach" and hidden:
                continue
            for new in change(node):
                key = path, ast.unparse(new)
                if key not in seen:
                    seen.add(key)
                    count[operator] += 1
                    mutant = Mutant(loss, operator, count[operator], path, new)
                    found[mutant.name] = mutant
    return found


def source(mutant: Mutant) -> ast.Module:
    """The mutated module."""
    tree = deepcopy(flattened(mutant.loss))
    parent = tree
    for step in mutant.path[:-1]:
        parent = follow(parent, step)
    field, index = mutant.path[-1]
    if index is None:
        setattr(parent, field, deepcopy(mutant.new))
    else:
        getattr(parent, field)[index] = deepcopy(mutant.new)
    return ast.fix_missing_locations(tree)


def find(name: str) -> Mutant:
    """The mutant of that name.  Raises KeyError."""
    return mutants(name.partition("_")[0])[name]


@cache
def build(name: str) -> type:
    """The mutated class.  Raises KeyError for a name that no mutant has."""
    mutant = find(name)
    space = {"__name__": __name__}
    exec(compile(source(mutant), f"<{name}>", "exec"), space)
    made = space[mutant.loss]
    made.__name__ = made.__qualname__ = name
    return made


def __getattr__(name: str) -> type:
    loss = name.partition("_")[0]
    if loss not in plain.__all__:
        raise AttributeError(name)
    try:
        return build(name)
    except KeyError:
        raise AttributeError(name) from None
