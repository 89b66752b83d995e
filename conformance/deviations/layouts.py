"""Where torch.nn departs from a contract because of how its arguments lie in memory."""

from conformance.deviations.deviation import EVERY, deviation


@deviation(
    "NLLLoss", of="behaviour", quantities=("grad_input",), dtypes=EVERY, only="layout", question="channels-last",
    also=("transposed", "mixed"), says="raises RuntimeError: grad_input must be contiguous", severity="nan",
    share=1.0, applies=lambda case: case.arguments["input"].ndim - 1 == 4,
    condition="the input has four dimensions and is dense, but not in the order of its dimensions",
    upstream="pytorch/pytorch#175084", devices=("cpu",),
    witness={"input": [[[[-1.0, -2.0]], [[-3.0, -0.5]]]], "target": [[[0, 1]]]},
)  # fmt: skip
def gradient_of_channels_last():
    """The backward pass of images in channels-last memory is refused, although the loss is computed.

    The gradient is made with the strides of the input, and the kernel for four dimensions wants it contiguous;
    inputs of three, five or more dimensions are made contiguous before.
    """
