"""Are value and gradients right in shapes that are seldom drawn: none, one, odd, wide and very large?"""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from conformance.case import Case
from conformance.checks.check import LIGHT, check
from conformance.checks.gradient import compare_gradients
from conformance.checks.value import judge_values
from conformance.smaller import take
from conformance.strategies import consistent, dimension_names, is_slow, recipes
from reference import Contract
from reference.domains import Dim, Labels, LabelSet, Length

QUESTIONS = ("small", "wide", "large")
REGIMES = ("ordinary", "ordinary", "grid", "logits")
#: Around the widths of vector registers and of their unrolled loops, and class counts of a thousand and more.
WIDE = (7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 1023, 1025)
#: Up to more than 16 bits can count and float16 can hold (65,504); where one element is a term, up to a million.
LARGE = (1021, 2049, 4099, 16_385, 65_537, 66_049)
LARGER = (1021, 4099, 16_385, 65_505, 70_001) * 2 + (1_000_003,)
#: Elements of a case whose truth is certified, and of one where every pair, or every step, takes time.
CERTIFIED, COSTLY = 4096, 129


@st.composite
def sizes(draw, contract: Contract, reduction: str, question: str) -> dict[str, tuple[int, ...]]:
    """Sizes of all dimensions: every one small, or one of them wide or large and the others small."""
    names = {n: d for n, d in dimension_names(contract).items() if n not in contract.sizes}
    if question == "small":
        return consistent(contract, {n: draw(small(d)) for n, d in names.items()})
    long = draw(st.sampled_from([n for n in names if question == "wide" or may_be_large(contract, names[n])]))
    menu = st.sampled_from(tuple(w for w in WIDE if w <= COSTLY or not is_costly(contract)))
    if question == "large":
        menu = st.sampled_from(
            LARGE[:3] if is_slow(contract) else LARGE if len(names) > 1 or reduction == "none" else LARGER
        )
    chosen = {n: draw(few(d)) for n, d in names.items()}
    around = draw(st.sampled_from([((), ()), ((1,), ()), ((), (1,)), ((2,), ()), ((), (2,))]))
    before, after = around if names[long].starred else ((), ())
    return consistent(contract, chosen | {long: (*before, draw(menu), *after)})


def small(dim: Dim):
    """None, one, two or three; up to five dimensions."""
    if dim.core:
        return st.tuples(st.sampled_from((1, 2, 3)))
    if dim.starred:
        ranks = st.sampled_from((0, 1, 1, 2, 3, 4, 5))
        return ranks.flatmap(lambda rank: st.tuples(*[st.sampled_from((1, 2, 3, 1, 2, 0))] * rank))
    count = st.tuples(st.sampled_from((1, 2, 0)))
    return st.one_of(st.just(()), count) if dim.optional else count


def few(dim: Dim):
    """The size of a dimension next to a long one."""
    return st.just(()) if dim.starred and not dim.core else st.tuples(st.sampled_from((2, 1, 3)))


def is_costly(contract: Contract) -> bool:
    """Whether the formula compares all pairs, multiplies matrices, or goes through an array step by step."""
    stepwise = any(isinstance(a.domain, LabelSet | Labels) for a in contract.arguments.values())
    return stepwise or is_slow(contract)


def may_be_large(contract: Contract, dim: Dim) -> bool:
    """Whether the formula is linear in the size of a dimension."""
    return not is_costly(contract) or (not dim.core and not any_steps(contract))


def any_steps(contract: Contract) -> bool:
    return any(isinstance(a.domain, Labels) for a in contract.arguments.values())


def prepare(case: Case, question: str) -> Case | None:
    """The case, its lengths close to each other, and small enough to be certified where its dtype asks for it."""
    case = with_close_lengths(case)
    return cut(case, CERTIFIED) if case.format.name == "float64" and question != "small" else case


def with_close_lengths(case: Case) -> Case:
    """In every other case targets are one shorter than the input, as long, or one longer."""
    rng = np.random.default_rng(int(case.digest()[:12], 16))
    arguments = dict(case.arguments)
    for name, declared in case.contract.arguments.items():
        domain = declared.domain
        if isinstance(domain, Length) and domain.fits and rng.integers(2):
            near = arguments[domain.fits] + rng.integers(-1, 2, arguments[name].shape)
            arguments[name] = np.clip(near, domain.least, case.sizes[domain.of][0])
    return replace(case, arguments=arguments)


def cut(case: Case, most: int) -> Case | None:
    """The case with the beginning only of its longest dimension; None where that leaves out what targets name."""
    elements = max(a.size for a in case.arguments.values() if a is not None)
    if elements <= most or case.contract.sizes:
        return case
    name, axis, longest = max(((n, i, k) for n, s in case.sizes.items() for i, k in enumerate(s)), key=lambda x: x[2])
    return take(case, name, axis, np.arange(max(1, longest * most // elements)))


def shape_recipes(contract: Contract, reduction: str, question: str):
    """Recipes of odd sizes, ordinary numbers."""
    return recipes(
        contract, reduction, sizes(contract, reduction, question), REGIMES[: 3 if question == "large" else None]
    )


def questions(contract: Contract) -> tuple[str, ...]:
    """Large only where the formula is linear in some dimension."""
    return QUESTIONS[:2] if any_steps(contract) else QUESTIONS


@check("shape", recipes_for=shape_recipes, alter=prepare, questions=questions, budgets=LIGHT, sample=3)
def compare_in_shape(row, case) -> None:
    """Value and gradients; the value alone of a million terms, since a gradient is one element at a time."""
    judge_values(row, case)
    if case.contract.has_gradient and case.rows <= LARGER[-2]:
        compare_gradients(row, case)
