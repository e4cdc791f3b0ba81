"""``tf.nn``: activations, the softmax family, losses, dropout, normalisation."""

from __future__ import annotations

from graphc.api.activations import (
    batch_normalization,
    bias_add,
    crelu,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    moments,
    relu,
    relu6,
    selu,
    silu,
    softmax,
    softsign,
    swish,
)  # fmt: skip
from graphc.api.draws import dropout
from graphc.api.elementwise import sigmoid, softplus, tanh
from graphc.api.indexing import embedding_lookup, in_top_k, top_k
from graphc.api.losses import (
    l2_loss,
    log_poisson_loss,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)  # fmt: skip
from graphc.api.reductions import l2_normalize, zero_fraction

__all__ = [
    "batch_normalization", "bias_add", "crelu", "dropout", "elu", "embedding_lookup", "gelu",
    "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "log_poisson_loss", "log_softmax",
    "moments", "relu", "relu6", "selu", "sigmoid", "sigmoid_cross_entropy_with_logits", "silu",
    "softmax", "softmax_cross_entropy_with_logits", "softplus", "softsign",
    "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k",
    "weighted_cross_entropy_with_logits", "zero_fraction",
]  # fmt: skip
