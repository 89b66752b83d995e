"""How is one call of a loss written as Python: its imports, tensors, constructor, and backward pass?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from conformance.case import Case
from conformance.reproducers.literals import plain, tensor
from conformance.reproducers.spelled_modes import MODES
from reference.domains import Complex

#: The deprecated pair of arguments that says the same as a reduction.
LEGACY = {"none": "reduce=False", "sum": "size_average=False, reduce=True", "mean": "size_average=True, reduce=True"}

#: Distance functions by the names that contracts use for them.
DISTANCES = {
    "manhattan": "lambda a, b: torch.linalg.vector_norm(a - b, ord=1, dim=-1)",
    "squared": "lambda a, b: (a - b).square().sum(-1)",
    "cosine": "lambda a, b: 1 - torch.nn.functional.cosine_similarity(a, b, dim=-1)",
}


@dataclass(frozen=True)
class Call:
    """One call of a case, number ``number``.

    ``subject``: ``torch.nn.L1Loss``, or ``MODULE:ATTR``, where MODULE may be a path.  ``leaves``: the arguments
    that require a gradient.  ``legacy``: whether the deprecated arguments stand for the reduction.  ``layout``: how
    the arguments lie in memory, where it is not as usual.  ``mode``: how the module is executed.
    """

    whole: Case
    number: int
    subject: str
    device: str = "cpu"
    leaves: tuple[str, ...] = ()
    legacy: bool = False
    layout: str | None = None
    mode: str = "eager"

    @cached_property
    def case(self) -> Case:
        return self.whole.select(np.array([self.number]))

    @property
    def is_torch(self) -> bool:
        return self.subject.startswith("torch.nn.")

    @property
    def module(self) -> str:
        """The module or file of the subject; "" for torch."""
        return self.subject.rpartition(":")[0]

    @property
    def constructor(self) -> str:
        return self.subject.rpartition(":")[2] if self.module else self.subject


def setting(call: Call) -> list[str]:
    """The imports, the tensors and the module, ``loss``."""
    return [*tensors(call), *made(call)]


def made(call: Call) -> list[str]:
    """What makes the module, and what its mode makes of it."""
    eager = MAKERS.get(call.case.contract.loss, made_plainly)(call)
    return [*eager, *MODES[call.mode](call.case, given_names(call))]


def tensors(call: Call) -> list[str]:
    """The imports, and a line for every tensor."""
    case = call.case
    given = [
        f"{k} = {literal(call, k)}"
        for k, a in case.arguments.items()
        if a is not None and k not in case.contract.parameters_of_module
    ]
    return ["import torch", *import_of(call), *given]


def with_shorthand(statements: list[str]) -> list[str]:
    """The statements, after the imports the name that hexadecimal numbers are read by, if there are any."""
    if not any('h("' in s for s in statements):
        return statements
    place = max(i for i, s in enumerate(statements) if s.startswith(("import ", "from "))) + 1
    return [*statements[:place], "h = float.fromhex", *statements[place:]]


def import_of(call: Call) -> list[str]:
    if not call.module:
        return []
    module = Path(call.module).stem if call.module.endswith(".py") else call.module
    return [f"from {module} import {call.constructor}"]


def literal(call: Call, name: str) -> str:
    """One argument of the call, as an expression."""
    case = call.case
    array = case.arguments[name] if case.is_shared(name) else case.arguments[name][0]
    if case.contract.loss == "CTCLoss" and name == "targets" and array.ndim == 1:
        array = array[: int(case.arguments["target_lengths"][0])]  # torch takes no padding there
    pairs, leaf = isinstance(case.layout(name).domain, Complex) and array.dtype == float, name in call.leaves
    own = None if array.dtype == np.int64 else case.dtype if array.dtype == float else array.dtype.name
    if call.layout is None:
        return tensor(array, options(call, own), pairs, leaf)
    return arranged(call.layout, array, tensor(array, options(call, own), pairs), pairs) + leaf * ".requires_grad_()"


def arranged(layout: str, array: np.ndarray, whole: str, pairs: bool = False) -> str:
    """A tensor in another memory layout, as an expression of the one in the usual layout."""
    shape = array.shape[: array.ndim - int(pairs)]
    order = ", ".join(str(i) for i in reversed(range(len(shape))))
    ways = {
        "transposed": f"{whole}.permute({order}).contiguous().permute({order})",
        "stepped": f"{whole}.repeat_interleave(2, -1)[..., ::2]",
        "padded": f"torch.nn.functional.pad({whole}, (0, 3))[..., :-3]",
        "offset": f"torch.nn.functional.pad({whole}.reshape(-1), (3, 3))[3:-3].view({shape})",
        "expanded": f"{whole}[:1].expand({shape})" if len({x.tobytes() for x in array}) == 1 else whole,
        "negative": f"torch._neg_view(-{whole})" if array.dtype == float else whole,
        "conjugate": f"{whole}.conj().resolve_conj().conj()" if pairs else whole,
        "channels-last": f"{whole}.contiguous(memory_format=torch.channels_last)" if len(shape) == 4 else whole,
        "channels-last-3d": f"{whole}.contiguous(memory_format=torch.channels_last_3d)" if len(shape) == 5 else whole,
    } if shape and array.size else {}  # fmt: skip
    return ways.get(layout.replace("_", "-"), whole)


def options(call: Call, dtype: str | None) -> list[str]:
    """What a tensor is given besides its elements."""
    chosen = [f"dtype=torch.{dtype}"] if dtype else []
    return chosen if call.device == "cpu" else [*chosen, f'device="{call.device}"']


def made_plainly(call: Call) -> list[str]:
    """``loss = torch.nn.X(weight=weight, delta=0.5, reduction="mean")``."""
    case = call.case
    given = [f"{k}={k}" for k, a in case.arguments.items() if case.is_shared(k) and a is not None]
    return [f"loss = {call.constructor}({', '.join([*given, *keywords(call)])})"]


def keywords(call: Call, leave: tuple[str, ...] = ()) -> list[str]:
    """The constructor's keyword arguments that are no tensors, as far as they are not at their default."""
    case, default = call.case, call.case.contract.defaults
    chosen = {
        k: v for k, v in case.parameters.items()
        if k not in leave and not (k in default and repr(v) == repr(default[k]))
    }  # fmt: skip
    spelled = [f"{k}={DISTANCES[v] if v in DISTANCES else plain(v)}" for k, v in chosen.items()]
    if call.legacy:
        return [*spelled, LEGACY[case.reduction]]
    return [*spelled, f'reduction="{case.reduction}"'] if len(case.contract.reductions) > 1 else spelled


def made_adaptive(call: Call) -> list[str]:
    """AdaptiveLogSoftmaxWithLoss: its sizes are those of the contract's arrays, with two clusters."""
    arguments = call.case.arguments
    (rows, features), first = arguments["head_weight"].shape, len(arguments["tail_0_1_weight"])
    shortlist, second = rows - 2, len(arguments["tail_1_1_weight"])
    sizes = f"{features}, {shortlist + first + second}, [{shortlist}, {shortlist + first}]"
    bias = ["head_bias=True"] if arguments["head_bias"] is not None else []
    given = [sizes, "div_value=2.0", *bias, *options(call, call.case.dtype)]
    return [f"loss = {call.constructor}({', '.join(given)})", loaded(call)]


def made_linear(call: Call) -> list[str]:
    """LinearCrossEntropyLoss: it holds the linear map as parameters."""
    arguments = call.case.arguments
    classes, features = arguments["linear_weight"].shape
    weight = ["weight=weight"] if arguments["weight"] is not None else []
    leave = ("ignore_index",) if arguments["target"].dtype == float else ()  # torch refuses it there
    given = [f"{features}, {classes}, bias={arguments['linear_bias'] is not None}", *weight, *keywords(call, leave)]
    return [f"loss = {call.constructor}({', '.join([*given, *options(call, call.case.dtype)])})", loaded(call)]


MAKERS: Mapping[str, Callable[[Call], list[str]]] = {
    "AdaptiveLogSoftmaxWithLoss": made_adaptive,
    "LinearCrossEntropyLoss": made_linear,
}


def loaded(call: Call) -> str:
    """Gives the module the contract's arrays as its parameters, by name."""
    arguments = call.case.arguments
    wide = ["dtype=torch.float64"] if call.case.dtype == "float64" else []  # others hold numbers of float32
    held = {k: n for k, n in call.case.contract.parameters_of_module.items() if arguments[k] is not None}
    entries = [f'"{name}": {tensor(arguments[k], wide)}' for k, name in held.items()]
    return f"loss.load_state_dict({{{', '.join(entries)}}}, strict=False)"


def given_names(call: Call) -> str:
    """The arguments of the call, in order."""
    return ", ".join(k for k in call.case.contract.positional if call.case.arguments[k] is not None)


def invoked(call: Call) -> str:
    return f"loss({given_names(call)})"


def backward(call: Call) -> Iterator[str]:
    """The backward pass, with the case's cotangents."""
    case, fields = call.case, list(call.case.contract.fields)
    dtype = {"complex64": "float32", "complex128": "float64"}.get(case.dtype, case.dtype)
    ups = [tensor(case.cotangents[f][0], options(call, None if dtype == "float32" else dtype)) for f in fields]
    if len(fields) == 1:
        yield f"{invoked(call)}.backward({ups[0]})"
    elif call.is_torch:
        yield f"torch.autograd.backward({invoked(call)}, [{', '.join(ups)}])"
    else:
        yield f"result = {invoked(call)}"
        yield f"torch.autograd.backward([{', '.join(f'result.{f}' for f in fields)}], [{', '.join(ups)}])"


def gradient(call: Call, argument: str) -> Iterator[str]:
    """The statements after which the last, an expression, is the gradient of an argument."""
    case = call.case
    held = case.contract.parameters_of_module.get(argument)
    whole = f'loss.get_parameter("{held}").grad' if held else f"{argument}.grad"
    if isinstance(case.layout(argument).domain, Complex):
        whole = f"torch.view_as_real({whole})"
    if argument in case.contract.through:
        yield f"grad = {whole}.double()  # torch's gradient assumes that log_softmax comes before"
        whole = f"(grad - {argument}.detach().double().softmax(-1) * grad.sum(-1, keepdim=True))"
    yield whole
