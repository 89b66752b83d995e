"""Every loss of torch.nn has a contract, every contract an oracle, a pullback and a mirror."""

import importlib
import inspect

import pytest
import torch

from reference import CONTRACTS

every_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
DISTANCES = {"PairwiseDistance", "CosineSimilarity"}


def is_a_loss(cls: type) -> bool:
    return cls.__module__ in ("torch.nn.modules.loss", "torch.nn.modules.adaptive") or cls.__name__ in DISTANCES


def losses_of_torch() -> list[str]:
    """Every public class of torch.nn that is a loss or a distance, newly added ones included."""
    classes = [c for n, c in vars(torch.nn).items() if inspect.isclass(c) and not n.startswith("_")]
    return sorted({c.__name__ for c in classes if issubclass(c, torch.nn.Module) and is_a_loss(c)})


@pytest.mark.parametrize("loss", losses_of_torch())
def test_a_loss_of_torch_has_a_contract(loss):
    if loss == "NLLLoss2d":
        pytest.skip("deprecated alias of NLLLoss, whose contract covers any number of dimensions")
    assert any(c.torch == loss for c in CONTRACTS.values())


@every_contract
def test_a_contract_has_a_mirror_with_its_arguments(contract):
    module = importlib.import_module(f"reference.in_jax.{contract.family}")
    mirror = inspect.signature(getattr(module, contract.name)).parameters
    assert list(mirror) == list(contract.domains)


@every_contract
def test_a_contract_has_a_pullback_and_documents_its_source(contract):
    assert contract.pullback is not None
    assert "Source:" in (inspect.getdoc(contract.formula) or "")


@every_contract
def test_a_contract_names_arguments_as_torch_does(contract):
    forward = inspect.signature(getattr(torch.nn, contract.torch).forward).parameters
    torch_names = [name.rstrip("_").removeprefix("log_") for name in forward if name != "self"]
    assert [name.removeprefix("log_") for name in contract.positional] == torch_names
