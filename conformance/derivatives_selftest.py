"""Does the oracle know its derivatives: are they those of the mirror, by automatic differentiation?"""

import jax
import numpy as np
import pytest

from conformance.case import given, lift_rounded
from conformance.derivatives import derivative_of_gradient, directions, lift_perturbed, moving, tangent_of_terms
from conformance.references_selftest import mirror_of, same_shapes, upstream
from conformance.verdict import beyond_bound
from reference import CONTRACTS
from reference.arithmetic.formats import FORMATS
from reference.arithmetic.rounded import Model

#: CTC's gradient is defined up to what a log-softmax removes: it has no derivative of its own.
DIFFERENTIABLE = {k: c for k, c in CONTRACTS.items() if not c.through}
every_contract = pytest.mark.parametrize("contract", DIFFERENTIABLE.values(), ids=list(DIFFERENTIABLE))
MODEL = Model(FORMATS["float32"], kinks=True)
COMPILED: dict = {}


def ask_oracle(case, along, lifting=lift_rounded) -> dict:
    """Terms and gradients along the directions, in row form, for one cotangent for each term."""
    lift = lifting(MODEL)
    moves = {k: lift(case.in_rows(k, v)) for k, v in along.items()}
    tangent = tangent_of_terms(case.contract.pullback, lift(np.ones(case.rows)), given(case, lift), moves)
    arguments = given(moving(case, along), lift)
    found = case.contract.pullback(lift(upstream(case)), **arguments)
    return {"value": tangent} | {k: derivative_of_gradient(found[k]) for k in along}


def ask_mirror(case, moves) -> dict[str, np.ndarray]:
    """The same by forward-mode over reverse-mode differentiation, in float64."""
    arguments = given(case, lambda x: x)
    live = {k: np.asarray(arguments.pop(k)) for k in moves}
    arrays = {k: np.asarray(v) for k, v in arguments.items() if isinstance(v, np.ndarray)}
    rest = {k: v for k, v in arguments.items() if k not in arrays}

    def both(live, moves, arrays):
        def terms_and_gradients(x):
            terms, pull = jax.vjp(lambda x: mirror_of(case.contract)(**rest, **arrays, **x), x)
            return terms, pull(jax.numpy.asarray(upstream(case)))[0]

        return jax.jvp(terms_and_gradients, (live,), (moves,))[1]

    key = (case.contract_name, case.rows, repr(rest), tuple(sorted(arrays)), tuple(sorted(live)))
    compiled = both if any(isinstance(v, float) for v in rest.values()) else COMPILED.setdefault(key, jax.jit(both))
    tangent, found = compiled(live, moves, arrays)
    return {"value": np.asarray(tangent)} | {k: np.asarray(v) for k, v in found.items()}


def largest(expected) -> float:
    return np.max(abs(expected.value), where=np.isfinite(expected.error), initial=0.0)


@pytest.mark.timeout(300)  # JAX compiles every formula anew
@every_contract
def test_the_mirror_agrees_with_the_oracle(contract):
    """In float64, where the bound of float32 is the measure: 29 bits to spare.

    Automatic differentiation is accurate in norm only, so one rounding of the largest element is free.
    """
    compared = 0
    for case in same_shapes(contract)[::6]:
        along = directions(case, case.differentiable)
        moves = {k: case.in_rows(k, v) for k, v in along.items()}
        oracle, mirror = ask_oracle(case, along), ask_mirror(case, moves)
        for quantity, expected in oracle.items():
            off = beyond_bound(expected, mirror[quantity])
            if off.any():
                off &= beyond_bound(ask_oracle(case, along, lift_perturbed)[quantity], mirror[quantity])
                off &= ~(abs(mirror[quantity] - expected.value) <= MODEL.unit * largest(expected))
            assert not off.any(), f"{quantity} of {contract.name}, {case.parameters}: {off.sum()} rows"
            compared += int(np.isfinite(expected.error).sum())
    assert compared > 200
