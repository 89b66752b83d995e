"""Knowledge flows one way: reference <- conformance <- perf; reports reads files only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "reference": {"reference"},
    "conformance": {"conformance", "reference"},
    "perf": {"perf", "conformance", "reference"},
    "reports": {"reports"},
}
KNOW_TORCH = {
    "subject.py",
    "gate.py",
    "session.py",
    "construction.py",
    "options.py",
    "environment.py",
    "training.py",
    "layouts.py",
    "purity.py",
    "completeness.py",
    "global_state.py",
    "differentiation.py",
    "cuda.py",
}
KNOW_TORCH_FOLDERS = {"deviations", "mutants", "examples", "modes", "adapters", "proof"}


def imports(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {a.name.partition(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def sources(folder: str) -> list[Path]:
    return [p for p in sorted((ROOT / folder).rglob("*.py")) if not p.name.endswith("_selftest.py")]


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_downwards(layer):
    for path in sources(layer):
        above = imports(path) & set(MAY_IMPORT) - MAY_IMPORT[layer]
        assert not above, f"{path.relative_to(ROOT)} imports {above}"


@pytest.mark.parametrize("layer", ["reference", "reports"])
def test_the_truth_and_the_report_do_not_know_torch(layer):
    knowing = [p.relative_to(ROOT) for p in sources(layer) if "torch" in imports(p)]
    assert not knowing


def test_only_the_subject_knows_torch():
    for path in sources("conformance"):
        if "torch" in imports(path):
            inside = set(path.relative_to(ROOT).parts)
            assert path.name in KNOW_TORCH or inside & KNOW_TORCH_FOLDERS, path.relative_to(ROOT)


def test_the_oracle_does_not_know_the_mirror():
    assert all("jax" not in imports(p) for p in sources("reference/in_numpy"))


def test_the_mirror_does_not_know_the_oracle():
    for path in sources("reference/in_jax"):
        modules = {n.module or "" for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
        assert not any("in_numpy" in m for m in modules), path.name


def test_the_references_know_no_test_framework():
    assert all(not imports(p) & {"pytest", "hypothesis"} for p in sources("reference"))
