"""Attention: means of values, weighted by how queries fit keys."""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.weighted import Weighted


class _DotAttention(Layer):
    """softmax(scores(query, key)) @ value for inputs [query, value] or [query, value, key].

    Shapes: query [batch, Tq, d], value [batch, Tv, e], key [batch, Tv, d]; result [batch, Tq, e].
    ``mask`` is [query_mask, value_mask]; ``use_causal_mask`` hides what comes later.
    """

    supports_masking = True

    def __init__(
        self, dropout: float = 0.0, score_mode: str = "dot", causal: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dropout, self.score_mode, self.causal = dropout, score_mode, causal
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"Invalid value for argument score_mode, got {score_mode}")

    def scores(self, query: Any, key: Any) -> Any:
        """[batch, Tq, Tv]"""
        raise NotImplementedError

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None,
        return_attention_scores: bool = False, use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__} layer must be called on a list of inputs, namely [query,"
                f" value] or [query, value, key]. Received: {inputs}."
            )
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        q_mask, v_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self.scores(query, key)
        allowed = None if v_mask is None else tf.cast(v_mask, tf.bool)[:, None, :]
        if use_causal_mask or self.causal:
            size, count = tf.shape(scores)[1], tf.shape(scores)[2]
            earlier = tf.range(size)[:, None] >= tf.range(count)[None, :]
            allowed = earlier[None] if allowed is None else tf.logical_and(allowed, earlier[None])
        if allowed is not None:
            far = 65504.0 if scores.dtype == tf.float16 else 1e9
            scores -= far * tf.cast(tf.logical_not(allowed), scores.dtype)
        weights = tf.nn.softmax(scores)
        if training and self.dropout:
            weights = tf.nn.dropout(weights, self.dropout)
        result = tf.matmul(weights, value)
        if q_mask is not None:
            result *= tf.cast(q_mask, result.dtype)[..., None]
        return (result, weights) if return_attention_scores else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask[0] if mask else None


class Attention(_DotAttention):
    """Scores query . key (Luong), times a weight with ``use_scale``; or ``score_mode="concat"``.

    Weights: scale [] with use_scale, concat_score_weight [] with "concat".
    """

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(dropout, score_mode, **kwargs)
        self.use_scale = use_scale

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight("scale", (), initializer="ones") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                "concat_score_weight", (), initializer="ones"
            )

    def scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            found = tf.matmul(query, key, transpose_b=True)
            return found if self.scale is None else found * self.scale
        sums = query[:, :, None, :] + key[:, None, :, :]
        sums = sums if self.scale is None else sums * self.scale
        return self.concat_score_weight * tf.reduce_sum(tf.tanh(sums), axis=-1)


class AdditiveAttention(_DotAttention):
    """Scores sum(scale * tanh(query + key)) (Bahdanau et al., 2014).

    Weight: scale [d] with ``use_scale``.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(dropout, **kwargs)
        self.use_scale = use_scale

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("score_mode", None)
        return config

    def build(self, input_shape: Any) -> None:
        size = input_shape[1][-1]
        self.scale = self.add_weight("scale", (size,)) if self.use_scale else None

    def scores(self, query: Any, key: Any) -> Any:
        sums = tf.tanh(query[:, :, None, :] + key[:, None, :, :])
        return tf.reduce_sum(sums if self.scale is None else sums * self.scale, axis=-1)


class MultiHeadAttention(Weighted):
    """Attention of several heads at once (Vaswani et al., 2017).

    Each head has its projections of query, value and key; softmax(q . k / sqrt(key_dim)) weights
    the values, and what the heads give is projected to ``output_shape`` (the query's last axis).
    Attends along ``attention_axes``, here one: [batch, T, d], [batch, S, d] -> [batch, T, d].
    """

    _weights = {"kernel": "glorot_uniform", "bias": "zeros"}
    supports_masking = True

    def __init__(
        self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0,
        use_bias: bool = True, output_shape: Any = None, attention_axes: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if attention_axes not in (None, 1, (1,), [1]):
            raise ValueError(f"attention_axes {attention_axes} is not implemented; use 1")
        self.num_heads, self.key_dim = num_heads, key_dim
        self.value_dim = key_dim if value_dim is None else value_dim
        self.dropout, self.use_bias, self.attention_axes = dropout, use_bias, attention_axes
        self._shape = output_shape

    @property
    def output_shape(self) -> Any:  # the argument; a functional call's shape is of its output
        return self._shape

    def __call__(self, query: Any, value: Any = None, key: Any = None, **kwargs: Any) -> Any:
        more = {"value": value} | ({} if key is None else {"key": key})
        return super().__call__(query, **more, **kwargs)

    def _build_for(self, inputs: Any) -> None:
        """Its weights depend on all of its inputs: `call` makes them."""

    def build_from(self, query: Any, value: Any, key: Any) -> None:
        heads = self.num_heads
        for name, x, size in (
            ("query", query, self.key_dim), ("key", key, self.key_dim),
            ("value", value, self.value_dim),
        ):  # fmt: skip
            kernel = self.make("kernel", (x.shape[-1], heads, size), f"{name}/kernel")
            setattr(self, f"_{name}_kernel", kernel)
            bias = self.make("bias", (heads, size), f"{name}/bias") if self.use_bias else None
            setattr(self, f"_{name}_bias", bias)
        size = query.shape[-1] if self._shape is None else self._shape
        size = size if isinstance(size, int) else size[0]
        shape = (heads, self.value_dim, size)
        self._output_kernel = self.make("kernel", shape, "attention_output/kernel")
        own = self.use_bias
        self._output_bias = self.make("bias", (size,), "attention_output/bias") if own else None
        self.built = True

    def _project(self, name: str, x: Any) -> Any:
        kernel, bias = getattr(self, f"_{name}_kernel"), getattr(self, f"_{name}_bias")
        y = tf.einsum("btd,dhk->bthk", x, kernel)
        return y if bias is None else y + bias

    def call(
        self, query: Any, value: Any = None, key: Any = None, attention_mask: Any = None,
        return_attention_scores: bool = False, training: Any = None, use_causal_mask: bool = False,
        query_mask: Any = None, value_mask: Any = None, key_mask: Any = None,
    ) -> Any:  # fmt: skip
        value = query if value is None else value
        key = value if key is None else key
        if not self.built:
            self.build_from(query, value, key)
        q, k, v = (
            self._project(name, x) for name, x in (("query", query), ("key", key), ("value", value))
        )
        scores = tf.einsum("bqhk,bshk->bhqs", q * (1.0 / math.sqrt(self.key_dim)), k)
        kept = self._kept(scores, (query, value, key), attention_mask, use_causal_mask,
                          (query_mask, value_mask, key_mask))  # fmt: skip
        if kept is not None:
            scores += (1.0 - tf.cast(kept, scores.dtype)) * -1e9
        weights = tf.nn.softmax(scores)
        seen = tf.nn.dropout(weights, self.dropout) if training and self.dropout else weights
        result = tf.einsum("bhqs,bshv->bqhv", seen, v)
        result = tf.einsum("bqhv,hvo->bqo", result, self._output_kernel)
        result = result if self._output_bias is None else result + self._output_bias
        return (result, weights) if return_attention_scores else result

    def _kept(self, scores: Any, inputs: Any, given: Any, causal: bool, masks: Any) -> Any:
        """Which pairs [batch, 1 or heads, Tq, Tv] may see each other; None: all."""
        masks = [m if m is not None else getattr(x, "_keras_mask", None)
                 for m, x in zip(masks, inputs, strict=True)]  # fmt: skip
        found = []
        if given is not None:
            given = tf.cast(given, tf.bool)
            found.append(given[:, None] if given.ndim == 3 else given)
        for mask, rows in zip(masks, (True, False, False), strict=True):
            if mask is not None:
                mask = tf.cast(mask, tf.bool)
                found.append(mask[:, None, :, None] if rows else mask[:, None, None, :])
        if causal:
            size, count = tf.shape(scores)[2], tf.shape(scores)[3]
            found.append((tf.range(size)[:, None] >= tf.range(count)[None, :])[None, None])
        kept = None
        for one in found:
            kept = one if kept is None else tf.logical_and(kept, one)
        return kept

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask
