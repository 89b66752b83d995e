"""The references answer for themselves, before any subject does."""

import importlib
from dataclasses import replace

import jax
import numpy as np
import pytest

from conformance import streams
from conformance.case import Case, given, gradients, lift_rounded, values
from conformance.sampling import fill
from conformance.verdict import THRESHOLD, beyond_bound
from reference import CONTRACTS
from reference.arithmetic.certified import certified_precision
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model, Rounded

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

every_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
BLOCKS = 6


def cases(contract, check: str, dtype: str | None = None) -> list[Case]:
    """Cases without reduction, from the stream of one check."""
    dtype = dtype or contract.dtypes[0]
    reduction = next(iter(contract.reductions))
    return list(streams.cases(0, contract.name, check, dtype, reduction, lambda n: n >= BLOCKS))


def same_shapes(contract) -> list[Case]:
    """Cases of one shape only: JAX compiles every operation once for each."""
    found = []
    for number in range(2 * BLOCKS):
        for recipe in streams.block(0, contract.name, "mirror", "float64", "none", number):
            sizes = {n: _fixed(contract, n, s) for n, s in recipe.sizes.items()}
            sizes |= {n: (f({k: v[0] for k, v in sizes.items()}),) for n, f in contract.sizes.items()}
            fixed = replace(recipe, sizes=sizes, calls=1, thin=frozenset())
            found.append(fill(contract, fixed, contract.dtypes[0], "none"))
    return found


def _fixed(contract, name: str, size) -> tuple[int, ...]:
    dims = [d for a in contract.arguments.values() for k in a.kinds for d in k.layout if d.name == name]
    if any(d.core for d in dims):
        return (4,)
    return (24,) if name == "n" else () if any(d.starred for d in dims) and size == () else (2,)


def mirror_of(contract):
    return getattr(importlib.import_module(f"reference.in_jax.{contract.family}"), contract.name)


def ask_mirror(case: Case) -> dict[str, np.ndarray]:
    """Terms and gradients, in row form, by autodiff in float64."""
    arguments = given(case, lambda x: x)
    arguments = {
        k: None if v is None else np.asarray(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()
    }
    inputs = {k: v for k, v in arguments.items() if isinstance(v, np.ndarray) and v.dtype == float}
    terms, found = differentiate(case, {k: v for k, v in arguments.items() if k not in inputs})(inputs)
    return {"value": np.asarray(terms)} | {f"grad_{k}": np.asarray(g) for k, g in found.items()}


def differentiate(case: Case, fixed: dict):
    """The mirror's terms and gradients as a function of its float arrays.

    Compiled where the parameters are few discrete ones; otherwise every combination would be compiled anew.
    """
    arrays = {k: v for k, v in fixed.items() if isinstance(v, np.ndarray)}
    rest = {k: v for k, v in fixed.items() if k not in arrays}

    def both(live, arrays):
        terms, pull = jax.vjp(lambda x: mirror_of(case.contract)(**rest, **arrays, **x), live)
        return terms, pull(jax.numpy.asarray(upstream(case)))[0]

    if any(isinstance(v, float) for v in rest.values()):
        return lambda live: both(live, arrays)
    key = (case.contract_name, case.rows, repr(rest))
    compiled = COMPILED.setdefault(key, jax.jit(both))
    return lambda live: compiled(live, arrays)


COMPILED: dict = {}


def upstream(case: Case) -> np.ndarray:
    """One cotangent for each term."""
    return np.linspace(0.5, 2.0, case.rows)


def lift_perturbed(model: Model):
    """Inputs known up to one rounding: the bound then covers what a backward stable evaluation may give."""
    return lambda x: Rounded(x, model.unit * abs(np.asarray(x)), model)


def ask_oracle(case: Case, model: Model, lifting=lift_rounded) -> dict:
    """The same of the oracle, with the bounds of a format."""
    lift = lifting(model)
    arguments = given(case, lift)
    found = {"value": case.contract.formula(**arguments)}
    lift = lifting(replace(model, kinks=True))
    arguments = given(case, lift)
    pulled = case.contract.pullback(lift(upstream(case)), **arguments)
    return found | {f"grad_{k}": g for k, g in pulled.items() if case.arguments[k] is not None}


@every_contract
def test_the_mirror_agrees_with_the_oracle(contract):
    """In float64, where the bound of float32 is the measure: 29 bits to spare.

    Where a formula cancels, the mirror may be off as much as one rounding of the inputs would make it.
    """
    compared = 0
    for case in same_shapes(contract):
        oracle, mirror = ask_oracle(case, Model(FORMATS["float32"])), ask_mirror(case)
        for quantity, expected in oracle.items():
            off = beyond_bound(expected, mirror[quantity])
            if off.any():
                stable = ask_oracle(case, Model(FORMATS["float32"]), lift_perturbed)[quantity]
                off &= beyond_bound(stable, mirror[quantity])
            assert not off.any(), f"{quantity} of {contract.name}, {case.parameters}: {off.sum()} rows"
            compared += int(np.isfinite(expected.error).sum())
    assert compared > 200


@every_contract
def test_the_certified_value_lies_within_the_bound(contract):
    dtype = contract.dtypes[-1] if contract.dtypes[0].startswith("complex") else "float64"
    for case in cases(contract, "honesty", dtype):
        model = Model(FORMATS["float64"])
        for kinks, ask in ((False, values), (True, gradients)):
            expected = ask(case, lift_rounded(replace(model, kinks=kinks)))
            with certified_precision():
                truth = case.truth(kinks)
                for quantity, rounded in expected.items():
                    off = truth[quantity].distance(rounded.value)
                    spread = 0.0 if rounded.spread is None else rounded.spread
                    finite = np.isfinite(rounded.error) & np.isfinite(rounded.value)
                    assert np.all((off <= rounded.error + spread)[finite]), f"{quantity} of {contract.name}"


@every_contract
def test_the_formula_in_the_working_format_lies_within_the_bound(contract):
    if contract.dtypes[0].startswith("complex"):
        pytest.skip("the real contract of the same loss is checked")
    for case in cases(contract, "honesty", "float32"):
        narrow = given(case, lambda x: np.asarray(x, np.float32) if isinstance(x, np.ndarray) else np.float32(x))
        with np.errstate(all="ignore"):
            terms = np.asarray(case.contract.formula(**narrow), float)
            expected = case.contract.formula(**given(case, lift_rounded(Model(FORMATS["float32"]))))
            error = np.where(terms == expected.value, 0.0, abs(terms - expected.value))
        bounded = np.isfinite(expected.error) & np.isfinite(expected.value)
        assert np.all((error <= THRESHOLD * expected.error)[bounded]), contract.name


@every_contract
@pytest.mark.parametrize("kind", ["value", "gradient"])
def test_few_bounds_are_vacuous(contract, kind):
    """Fewer than one in a hundred of the bounds on finite inputs is infinite while the truth is finite."""
    total = vacuous = 0
    for case in cases(contract, kind, contract.dtypes[0]):
        for quantity, expected in (case.expected_values if kind == "value" else case.expected_gradients).items():
            boundless = np.isinf(expected.error)
            overflow = case.certain_overflow(quantity)
            total += boundless.size
            vacuous += int((boundless if overflow is None else boundless & (overflow == 0)).sum())
    assert vacuous <= 0.01 * total, f"{vacuous} of {total}"
