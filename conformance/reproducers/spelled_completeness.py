"""How does a script show that an argument does not get its gradient in one of the ways to ask for it?

Each way gives the statements that show what a message says, from the imports on; None where it cannot.
"""

from __future__ import annotations

from conformance.reproducers.answering import agreeing, answer, deciding, fields, twice, upstream
from conformance.reproducers.spelled_derivatives import held
from conformance.reproducers.spelled_purity import Way, backward_of
from conformance.reproducers.spelling import Call, invoked, setting


def backward(call: Call) -> str:
    """The backward pass that adds to ``.grad``."""
    return f"torch.autograd.backward({fields(call, invoked(call))}, [{', '.join(upstream(call))}])"


def no_graph_unasked(call: Call) -> list[str] | None:
    """A result that requires a gradient although no argument does."""
    result = f"result = {answer(call, next(iter(call.case.contract.fields)))}"
    return None if call.leaves else [*setting(call), result, *deciding("not result.requires_grad")]


def alone(call: Call, quantity: str) -> list[str] | None:
    """The gradient with all others, then with none."""
    own = quantity.removeprefix("grad_")
    others = [held(call, k) for k in call.leaves if k != own and call.case.arguments[k] is not None]
    if own not in call.leaves or not others:
        return None
    return twice(call, quantity, [f"{k}.requires_grad_(False)" for k in others])


def left_in_grad(call: Call, quantity: str, passes: int = 1) -> list[str] | None:
    """What ``.grad`` holds after backward passes, next to what autograd returns."""
    name = quantity.removeprefix("grad_")
    if name not in call.leaves:
        return None
    times = f"{passes} * " if passes > 1 else ""
    asked = [
        f"first = {times}{answer(call, quantity)}",
        *[backward(call)] * passes,
        f"second = {held(call, name)}.grad",
    ]
    return [*setting(call), *asked, *agreeing(call, quantity, passes)]


def adds_up(call: Call, quantity: str) -> list[str] | None:
    return left_in_grad(call, quantity, 2)


def adds_up_by_itself(call: Call, quantity: str) -> list[str] | None:
    """What ``.grad`` holds after a second backward pass, next to twice what it held after the first."""
    name = quantity.removeprefix("grad_")
    if name not in call.leaves:
        return None
    grad = f"{held(call, name)}.grad"
    asked = [backward(call), f"first = 2 * {grad}", backward(call), f"second = {grad}"]
    return [*setting(call), *asked, *agreeing(call, quantity, 2)]


def of_another_form(call: Call, quantity: str, what: str) -> list[str] | None:
    name = quantity.removeprefix("grad_")
    if name not in call.leaves:
        return None
    first = f"grad = {answer(call, quantity)}"
    own = f"{held(call, name)}.{what}"
    return [*setting(call), first, *deciding(f"grad.{what} == {own}", f"grad.{what}, {own}")]


def unasked(call: Call, name: str) -> list[str] | None:
    """``.grad`` of an argument after a backward pass to others."""
    if name in call.leaves or not call.leaves:
        return None
    return [*setting(call), backward(call), *deciding(f"{name}.grad is None", f"{name}.grad")]


def heard(call: Call, name: str) -> list[str] | None:
    """How often a hook is called."""
    if name not in call.leaves:
        return None
    hook = ["heard = []", f"{held(call, name)}.register_hook(heard.append)", answer(call, f"grad_{name}")]
    return [*setting(call), *hook, *deciding("len(heard) == 1", "heard")]


def heard_otherwise(call: Call, quantity: str) -> list[str] | None:
    """What a hook is called with."""
    name = quantity.removeprefix("grad_")
    if name not in call.leaves:
        return None
    hook = ["heard = []", f"{held(call, name)}.register_hook(heard.append)", answer(call, quantity)]
    asked = [f"first = {answer(call, quantity)}", *hook, "second = heard[-1] if heard else None"]
    return [*setting(call), *asked, *agreeing(call, quantity)]


def flows_on(call: Call, quantity: str) -> list[str] | None:
    """The gradient of an argument by way of a product with one."""
    if quantity.removeprefix("grad_") not in call.leaves:
        return None
    given = [k for k in call.case.contract.positional if call.case.arguments[k] is not None]
    result = f"loss({', '.join(f'{k} * 1' if k in call.leaves else k for k in given)})"
    asked = [f"first = {answer(call, quantity)}", f"second = {answer(call, quantity, result)}"]
    return [*setting(call), *asked, *agreeing(call, quantity)]


def unless_refused(call: Call, quantity: str, before: list[str]) -> list[str] | None:
    """A gradient after something that should make autograd refuse it."""
    if quantity.removeprefix("grad_") not in call.leaves:
        return None
    asked = [f"first = {answer(call, quantity)}", f"result = {invoked(call)}", *before]
    tried = [f"try: second = {answer(call, quantity, 'result')}", "except RuntimeError: second = first"]
    return [*setting(call), *asked, *tried, *agreeing(call, quantity)]


def second_pass(call: Call, quantity: str) -> list[str] | None:
    return unless_refused(call, quantity, [backward_of(call)])


def changed_between(call: Call, quantity: str) -> list[str] | None:
    """Arguments are changed between the call and its backward pass."""
    changes = ", ".join(f"{k}.add_(1)" for k in call.leaves if k in call.case.contract.positional)
    return unless_refused(call, quantity, ["with torch.no_grad():", f"    {changes}"])


#: What a message says, and the ways to show it, which take the words in brackets.
WAYS: dict[str, tuple[Way, ...]] = {
    r"the result requires grad when no argument does": (no_graph_unasked,),
    r"(\w+) is another one without the others": (alone,),
    r"(\w+) is not what backward\(\) leaves in .grad": (left_in_grad,),
    r"(\w+) does not add up in .grad": (adds_up, adds_up_by_itself),
    r"(\w+) has another (dtype|shape|device) than": (of_another_form,),
    r"(\w+) gets a gradient that nobody asked for": (unasked,),
    r"a hook on (\w+) is not called once": (heard,),
    r"a hook hears another (\w+)": (heard_otherwise,),
    r"(\w+) does not flow on": (flows_on,),
    r"(\w+) is another one in a second pass over a graph that was freed": (second_pass,),
    r"(\w+) is another one silently, when arguments are changed before the backward pass": (changed_between,),
}
