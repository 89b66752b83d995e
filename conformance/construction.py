"""How is the module of a case made and called?  As torch.nn's own classes are, special constructors included."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch

from conformance.case import Case
from reference import Contract


def manhattan_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum of the magnitudes of all differences."""
    return torch.linalg.vector_norm(a - b, ord=1, dim=-1)


def squared_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum of the squares of all differences."""
    return (a - b).square().sum(-1)


def cosine_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """What the cosine lacks to one."""
    return 1 - torch.nn.functional.cosine_similarity(a, b, dim=-1)


#: Distance functions by the names that contracts use for them.
DISTANCES: dict[str, Callable] = {
    "manhattan": manhattan_distance,
    "squared": squared_distance,
    "cosine": cosine_distance,
}


def said(case: Case) -> dict[str, object]:
    """The parameters other than at their defaults, which are left for the subject to have."""
    return {k: v for k, v in case.parameters.items() if v != case.contract.defaults.get(k)}


def make_like_torch(factory: Callable, case: Case, tensors: Mapping[str, torch.Tensor]):
    """``factory(**tensors, **parameters, reduction=...)``, as every class of torch.nn takes them."""
    if case.contract.torch in MAKERS:
        return MAKERS[case.contract.torch](factory, case, tensors)
    given = {k: t for k, t in tensors.items() if t is not None}
    parameters = {k: DISTANCES.get(v, v) if isinstance(v, str) else v for k, v in said(case).items()}
    reduction = {"reduction": case.reduction} if len(case.contract.reductions) > 1 else {}
    return constructed(factory, given | parameters | reduction)


def constructed(factory: Callable, options: Mapping[str, object]):
    """The module of a class, or of a function that returns one; a function that needs arguments is the loss itself."""
    return partial(factory, **options) if is_plain(factory) else factory(**options)


def is_plain(factory: Callable) -> bool:
    """Whether a function is called with the arguments of the loss, as those of torch.nn.functional are."""
    if not inspect.isroutine(factory):
        return False
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError:  # a function of C++ that does not tell
        return True
    return any(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


#: What the deprecated pair of arguments says for each reduction.
LEGACY = {
    "none": {"reduce": False},
    "sum": {"size_average": False, "reduce": True},
    "mean": {"size_average": True, "reduce": True},
}


def make_by_legacy(factory: Callable, case: Case, tensors: Mapping[str, torch.Tensor]):
    """The same with ``size_average`` and ``reduce`` in place of ``reduction``, which must not be needed."""

    def with_legacy(*, reduction, **given):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that they are deprecated is known
            return constructed(factory, given | LEGACY[reduction])

    return make_like_torch(with_legacy, case, tensors)


def knows_legacy(contract: Contract) -> bool:
    """Whether torch's own class takes the deprecated pair."""
    cls = getattr(torch.nn, contract.torch or "", None)
    return cls is not None and "size_average" in inspect.signature(cls).parameters


def load_parameters(module: torch.nn.Module, case: Case, tensors: Mapping[str, torch.Tensor]):
    """Give the module the contract's arrays as its parameters, by name."""
    own = dict(module.named_parameters())
    with torch.no_grad():
        for argument, name in case.contract.parameters_of_module.items():
            if tensors[argument] is not None:
                own[name].copy_(tensors[argument])
    return module


def make_adaptive(factory: Callable, case: Case, tensors: Mapping[str, torch.Tensor]):
    """AdaptiveLogSoftmaxWithLoss: its sizes are those of the contract's arrays, with two clusters."""
    head, first = tensors["head_weight"], tensors["tail_0_1_weight"]
    shortlist, features = head.shape[0] - 2, head.shape[1]
    classes = shortlist + first.shape[0] + tensors["tail_1_1_weight"].shape[0]
    module = factory(
        features, classes, [shortlist, shortlist + first.shape[0]], div_value=2.0,
        head_bias=tensors["head_bias"] is not None, dtype=head.dtype, device=head.device,
    )  # fmt: skip
    return load_parameters(module, case, tensors)


def make_linear(factory: Callable, case: Case, tensors: Mapping[str, torch.Tensor]):
    """LinearCrossEntropyLoss: it holds the linear map as parameters."""
    matrix, parameters = tensors["linear_weight"], dict(case.parameters)
    if case.kinds.get("target"):
        del parameters["ignore_index"]  # torch refuses it next to class probabilities
    module = factory(
        matrix.shape[1], matrix.shape[0], bias=tensors["linear_bias"] is not None, dtype=matrix.dtype,
        device=matrix.device, weight=tensors["weight"], reduction=case.reduction, **parameters,
    )  # fmt: skip
    return load_parameters(module, case, tensors)


#: Classes whose constructor is not the contract's.
MAKERS: dict[str, Callable] = {
    "AdaptiveLogSoftmaxWithLoss": make_adaptive,
    "LinearCrossEntropyLoss": make_linear,
}


def call_like_torch(case: Case, module, inputs: Mapping[str, torch.Tensor]):
    """``module(*inputs)``; an unbatched CTC target is as long as it says, since torch takes no padding there."""
    if case.contract.torch == "CTCLoss" and inputs["log_probs"].ndim == 2 and inputs["targets"].ndim == 1:
        inputs = dict(inputs) | {"targets": inputs["targets"][: int(inputs["target_lengths"])]}
    return module(*inputs.values())


@dataclass(frozen=True)
class Setting:
    """What a constructor was given, as :func:`make_like_torch` reads it off a case; there are no arrays yet."""

    contract: Contract
    dtype: str
    reduction: str
    parameters: Mapping[str, object]
    arguments: Mapping[str, object]
    kinds: Mapping[str, int] = field(default_factory=dict)


class Standing:
    """A subject's module that is called like torch.nn's: ``subject(reduction="mean")(input, target)``."""

    def __init__(self, subject, setting: Setting, module):
        self.subject, self.setting, self.module = subject, setting, module

    @classmethod
    def of(cls, subject, given: Mapping[str, object]) -> Standing:
        """``given``: parameters and tensors of the constructor, and ``reduction``.  Raises TypeError for others."""
        dtype = next((str(x.dtype).removeprefix("torch.") for x in given.values() if hasattr(x, "dtype")), "float32")
        contract = next((c for c in subject.contracts if dtype in c.dtypes), subject.contracts[0])
        unknown = set(given) - {"reduction"} - set(contract.domains) | set(given) & set(contract.positional)
        if unknown:
            raise TypeError(f"{subject.name} got an unexpected keyword argument {sorted(unknown)[0]!r}")
        tensors = {k: given.get(k) for k in contract.arguments if k not in contract.positional}
        parameters = {k: given.get(k, contract.defaults.get(k)) for k in contract.parameters}
        reduction = given.get("reduction", "mean" if "mean" in contract.reductions else "none")
        setting = Setting(contract, dtype, reduction, parameters, tensors)
        return cls(subject, setting, (subject.make or make_like_torch)(subject.factory, setting, tensors))

    def __call__(self, *inputs, **named):
        names = self.setting.contract.positional
        call = self.subject.call or call_like_torch
        return call(self.setting, self.module, dict(zip(names, inputs, strict=False)) | named)

    def get_parameter(self, name: str):
        return self.module.get_parameter(name)

    def load_state_dict(self, *args, **kwargs):
        return self.module.load_state_dict(*args, **kwargs)
