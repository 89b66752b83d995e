"""Right answers to a first call on ordinary memory, and wrong ones elsewhere: one for each question about that."""

import warnings

import numpy
import torch

from conformance.mutants.planted import reduce


class Squares(torch.nn.Module):
    """The mean squared error, as it should be; wrong subclasses change one step."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        return reduce((input - target) ** 2, self.reduction)


def in_order(tensor):
    """What lies in memory from the first element on, as if there were no gaps."""
    strides = torch.empty(tensor.shape, device="meta").stride()
    return torch.as_strided(tensor, tensor.shape, strides, tensor.storage_offset())


class IgnoresStrides(Squares):
    """Reads memory in order."""

    def forward(self, input, target):
        return super().forward(in_order(input), target)


class IgnoresOffset(Squares):
    """Reads a tensor from the beginning of its storage."""

    def forward(self, input, target):
        return super().forward(torch.as_strided(input, input.shape, input.stride(), 0), target)


class IgnoresNegation(Squares):
    """Reads the numbers of a tensor that is marked as negated as they are."""

    def forward(self, input, target):
        return super().forward(torch._neg_view(input) if input.is_neg() else input, target)


class _ReadsUpstreamInOrder(torch.autograd.Function):
    @staticmethod
    def forward(ctx, difference):
        ctx.save_for_backward(difference)
        return difference**2

    @staticmethod
    def backward(ctx, upstream):
        return 2 * in_order(upstream) * ctx.saved_tensors[0]


class IgnoresStridesOfUpstream(Squares):
    """Reads the upstream gradient in order."""

    def forward(self, input, target):
        return reduce(_ReadsUpstreamInOrder.apply(input - target), self.reduction)


class NothingIsNought(Squares):
    """The mean over nothing is 0."""

    def forward(self, input, target):
        return super().forward(input, target) if input.numel() else (input - target).sum()


class CountsIn16Bits(Squares):
    """Divides by a count of 16 bits."""

    def forward(self, input, target):
        terms = (input - target) ** 2
        count = terms.numel() % 2**16
        return terms.sum() / count if self.reduction == "mean" else reduce(terms, self.reduction)


class SumsIn16Bits(Squares):
    """Stores the sum in 16 bits before it is divided."""

    def forward(self, input, target):
        terms = (input - target) ** 2
        return terms.sum() / terms.numel() if self.reduction == "mean" else reduce(terms, self.reduction)


class DropsTail(Squares):
    """Leaves out what is no multiple of 64 elements, in arrays of more."""

    def forward(self, input, target):
        terms = (input - target) ** 2
        if self.reduction == "none" or terms.numel() < 64:
            return reduce(terms, self.reduction)
        return reduce(terms.flatten()[: terms.numel() // 64 * 64], self.reduction)


class RestoresInput(Squares):
    """Changes its input and changes it back."""

    def forward(self, input, target):
        with torch.no_grad():
            input.add_(1).sub_(1)
        return super().forward(input, target)


class MutatesWeight(torch.nn.BCELoss):
    """Normalises its weight in place, unseen by the version counter."""

    def forward(self, input, target):
        if self.weight is not None:
            self.weight.data.mul_(0.5)
        return super().forward(input, target)


class _MutatesUpstream(torch.autograd.Function):
    @staticmethod
    def forward(ctx, difference):
        ctx.save_for_backward(difference)
        return difference**2

    @staticmethod
    def backward(ctx, upstream):
        return upstream.mul_(2 * ctx.saved_tensors[0])


class MutatesUpstream(Squares):
    """Turns the upstream gradient into its own gradient, in place."""

    def forward(self, input, target):
        return reduce(_MutatesUpstream.apply(input - target), self.reduction)


class CountsCalls(Squares):
    """Counts its calls in an attribute."""

    calls = 0

    def forward(self, input, target):
        self.calls += 1
        return super().forward(input, target)


class DrawsRandomNumbers(Squares):
    """Draws a random number and does not use it."""

    def forward(self, input, target):
        torch.rand(())
        return super().forward(input, target)


class SeedsNumPy(Squares):
    """Seeds the random numbers of NumPy."""

    def forward(self, input, target):
        numpy.random.seed(0)
        return super().forward(input, target)


class SetsDefaultDtype(Squares):
    """Makes float64 the default dtype."""

    def forward(self, input, target):
        torch.set_default_dtype(torch.float64)
        return super().forward(input, target)


class SilencesWarnings(Squares):
    """Silences all warnings, when it is made."""

    def __init__(self, **options):
        super().__init__(**options)
        warnings.simplefilter("ignore")


class Remembers(Squares):
    """Adds a tenth of its last result."""

    last = 0.0

    def forward(self, input, target):
        result = super().forward(input, target) + 0.1 * self.last
        self.last = result.detach().sum()
        return result


class _OnePass(torch.autograd.Function):
    @staticmethod
    def forward(ctx, difference):
        ctx.difference = difference
        return difference**2

    @staticmethod
    def backward(ctx, upstream):
        difference, ctx.difference = ctx.difference, torch.zeros_like(ctx.difference)
        return 2 * upstream * difference


class SecondPassIsNought(Squares):
    """Forgets what it has saved after the first backward pass."""

    def forward(self, input, target):
        return reduce(_OnePass.apply(input - target), self.reduction)


class _SavesOnClass(torch.autograd.Function):
    saved = None

    @staticmethod
    def forward(ctx, difference):
        _SavesOnClass.saved = difference
        return difference**2

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream * _SavesOnClass.saved


class SavesOnClass(Squares):
    """Keeps what the backward pass needs of the last call only."""

    def forward(self, input, target):
        return reduce(_SavesOnClass.apply(input - target), self.reduction)


class SharesOptions(Squares):
    """All instances have the options of the last one."""

    chosen = None

    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        SharesOptions.chosen = reduction

    def forward(self, input, target):
        return reduce((input - target) ** 2, self.chosen)


class CachesCount(Squares):
    """Divides by the number of terms of its first call."""

    count = None

    def forward(self, input, target):
        self.count = self.count or input.numel()
        terms = (input - target) ** 2
        return terms.sum() / self.count if self.reduction == "mean" else reduce(terms, self.reduction)


class FirstCallIsHalved(Squares):
    """The first call of every instance gives half the loss."""

    scale = 0.5

    def forward(self, input, target):
        scale, self.scale = self.scale, 1.0
        return scale * super().forward(input, target)


class HalvedInEval(Squares):
    """Half the loss in ``eval()``."""

    def forward(self, input, target):
        return super().forward(input, target) * (1.0 if self.training else 0.5)


class HalvedWithoutGraph(Squares):
    """Half the loss under ``no_grad``."""

    def forward(self, input, target):
        return super().forward(input, target) * (1.0 if torch.is_grad_enabled() else 0.5)


class HalvedInInference(Squares):
    """Half the loss in inference mode."""

    def forward(self, input, target):
        return super().forward(input, target) * (0.5 if torch.is_inference_mode_enabled() else 1.0)


class CopyForgets(Squares):
    """A copy, deep or pickled, has other options."""

    def __deepcopy__(self, memo):
        return CopyForgets("sum" if self.reduction == "mean" else "mean")

    def __reduce__(self):
        return CopyForgets, ("sum" if self.reduction == "mean" else "mean",)


class DoesNotPickle(Squares):
    """Holds a function that has no name."""

    def __init__(self, **options):
        super().__init__(**options)
        self.square = lambda x: x**2


class DetachesTarget(Squares):
    """Has no gradient for its target."""

    def forward(self, input, target):
        return super().forward(input, target.detach())


class HalvesAlone(Squares):
    """Half the gradient for the target where the input requires none."""

    def forward(self, input, target):
        if not input.requires_grad:
            target = target.detach() + 0.5 * (target - target.detach())
        return super().forward(input, target)


class HalvesWhatIsThere(Squares):
    """Halves ``.grad`` after every backward pass to a leaf."""

    def forward(self, input, target):
        if input.requires_grad and input.is_leaf:
            input.register_post_accumulate_grad_hook(lambda leaf: leaf.grad.mul_(0.5))
        return super().forward(input, target)


class WritesGrad(Squares):
    """Clears ``.grad`` of its target."""

    def forward(self, input, target):
        target.grad = torch.zeros_like(target)
        return super().forward(input, target)


class DifferentiatesInForward(Squares):
    """Computes its gradient in the forward pass, hooks and all."""

    def forward(self, input, target):
        result = super().forward(input, target)
        if input.requires_grad and torch.is_grad_enabled():
            torch.autograd.grad(result.sum(), input, retain_graph=True)
        return result


class LeavesOnly(Squares):
    """Has a gradient for leaves only."""

    def forward(self, input, target):
        return super().forward(input if input.is_leaf else input.detach(), target)


class _SavesUnseen(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.arguments = input, target
        return (input - target) ** 2

    @staticmethod
    def backward(ctx, upstream):
        input, target = ctx.arguments
        gradient = 2 * upstream * (input.detach() - target.detach())
        return gradient, -gradient


class SavesUnseen(Squares):
    """Keeps its arguments for the backward pass without telling autograd."""

    def forward(self, input, target):
        return reduce(_SavesUnseen.apply(input, target), self.reduction)


class DeadFarAway(Squares):
    """No gradient where the error is large."""

    def forward(self, input, target):
        error = input - target
        return reduce(torch.where(error.abs() > 1e3, error.detach(), error) ** 2, self.reduction)


#: The question that finds each, after its check.
FOUND_BY = {
    "IgnoresStrides": ("layout", "transposed"),
    "IgnoresOffset": ("layout", "offset"),
    "IgnoresNegation": ("layout", "negative"),
    "IgnoresStridesOfUpstream": ("layout", "stepped"),
    "NothingIsNought": ("shape", "small"),
    "DropsTail": ("shape", "wide"),
    "CountsIn16Bits": ("shape", "large"),
    "SumsIn16Bits": ("shape", "large"),
    "RestoresInput": ("purity", "inputs-unchanged"),
    "MutatesWeight": ("purity", "inputs-unchanged"),
    "MutatesUpstream": ("purity", "inputs-unchanged"),
    "CountsCalls": ("purity", "module-unchanged"),
    "DrawsRandomNumbers": ("purity", "rng"),
    "SeedsNumPy": ("purity", "rng"),
    "SetsDefaultDtype": ("purity", "modes"),
    "SilencesWarnings": ("purity", "modes"),
    "Remembers": ("purity", "second-call"),
    "SecondPassIsNought": ("purity", "second-backward"),
    "SavesOnClass": ("purity", "two-outputs"),
    "SharesOptions": ("purity", "interleaved"),
    "CachesCount": ("purity", "another-shape"),
    "FirstCallIsHalved": ("purity", "order-reversed"),
    "HalvedInEval": ("purity", "train-eval"),
    "HalvedWithoutGraph": ("purity", "no-grad"),
    "HalvedInInference": ("purity", "inference-mode"),
    "CopyForgets": ("purity", "deepcopy"),
    "DetachesTarget": ("completeness", "requires-grad"),
    "HalvesAlone": ("completeness", "alone"),
    "HalvesWhatIsThere": ("completeness", "accumulates"),
    "WritesGrad": ("completeness", "unasked"),
    "DifferentiatesInForward": ("completeness", "hooks"),
    "LeavesOnly": ("completeness", "flows-on"),
    "SavesUnseen": ("completeness", "saved"),
    "DeadFarAway": ("completeness", "dead"),
}
