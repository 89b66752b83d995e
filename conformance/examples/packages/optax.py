"""Which losses of optax are there?  Functions of JAX arrays; their classes are in the last dimension by default."""

import numpy as np
import optax

from conformance import Declared, Supports
from conformance.adapters import jax_loss
from conformance.adapters.wrapping import adapted, class_axis
from conformance.declared import scaled
from conformance.examples.focal import focal_loss
from conformance.examples.packages.robust import log_cosh_loss


def _of_squares(given):
    return {**given, "eps": np.sqrt(given["eps"])}


#: What the documentation says after 0.2.8, google-deepmind/optax#1703; until then epsilon is a least norm in it.
LEAST_SQUARE = Declared(
    "least-squared-norm", "epsilon is the least squared norm",
    formula=lambda of, **given: of.formula(**_of_squares(given)),
    pullback=lambda of, up, **given: of.pull(up, **_of_squares(given)),
)  # fmt: skip
HALF = scaled("half", "optax documents l2_loss as half the squared error", 0.5)
OF_LABELS = Supports(
    without=("weight",), kinds={"target": (0,)}, options={"label_smoothing": (0.0,)},
    when=lambda case: not (case.arguments["target"] == case.parameters["ignore_index"]).any(),
    why="a target that is to be ignored",
)  # fmt: skip
OF_PROBABILITIES = Supports(without=("weight",), kinds={"target": (1,)}, options={"label_smoothing": (0.0,)})


def of_labels(logits, labels, *, ignore_index=-100):
    """The classes are in the dimension where torch has them; no label is to be ignored."""
    return optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels, axis=class_axis(logits))


def of_probabilities(logits, labels):
    return optax.losses.softmax_cross_entropy(logits, labels, axis=class_axis(logits))


def of_probabilities_safely(logits, labels):
    axes = (logits, labels) if logits.ndim == 1 else (x.swapaxes(1, -1) for x in (logits, labels))
    found = optax.losses.safe_softmax_cross_entropy(*axes)
    return found.swapaxes(1, -1) if found.ndim > 1 else found


def sigmoid_focal(logits, labels, *, gamma=2.0, alpha=0.25):
    """Alpha has the default of the paper, and of the contract; optax's is to have none."""
    return optax.losses.sigmoid_focal_loss(logits, labels, alpha=alpha, gamma=gamma)


def cosine(x1, x2, *, epsilon=1e-8):
    """The least norm has torch's default; optax's is to have none."""
    return optax.losses.cosine_similarity(x1, x2, epsilon=epsilon)


huber = jax_loss(optax.losses.huber_loss, "HuberLoss")
squared_error = jax_loss(optax.losses.squared_error, "MSELoss")
l2 = adapted(jax_loss(optax.losses.l2_loss, "MSELoss"), None, deviations=(HALF,))
log_cosh = jax_loss(optax.losses.log_cosh, log_cosh_loss.name)
sigmoid_cross_entropy = adapted(
    jax_loss(optax.losses.sigmoid_binary_cross_entropy, "BCEWithLogitsLoss"), None,
    supports=Supports(without=("weight", "pos_weight")),
)  # fmt: skip
cross_entropy_of_labels = adapted(jax_loss(of_labels, "CrossEntropyLoss"), None, supports=OF_LABELS)
cross_entropy = adapted(jax_loss(of_probabilities, "CrossEntropyLoss"), None, supports=OF_PROBABILITIES)
safe_cross_entropy = adapted(jax_loss(of_probabilities_safely, "CrossEntropyLoss"), None, supports=OF_PROBABILITIES)
cosine_similarity_of_norms = jax_loss(cosine, "CosineSimilarity", eps="epsilon")
cosine_similarity = adapted(cosine_similarity_of_norms, None, deviations=(LEAST_SQUARE,))
focal = jax_loss(sigmoid_focal, focal_loss.name)
