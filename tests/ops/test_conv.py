"""Convolution and pooling: against the definition, in loops; blocks; mistakes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import graphc as tf
from graphc.ops import conv as conv_family
from graphc.ops.window import windows

G = np.random.default_rng(0)


def by_definition(x, w, strides, dilations, pads):
    """The convolution of [n, h, w, c] as a sum over everything."""
    n, *sizes, _ = x.shape
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[:2], dilations, strict=True)]
    counts = [(s + sum(p) - r) // t + 1
              for s, p, r, t in zip(sizes, pads, reach, strides, strict=True)]  # fmt: skip
    out = np.zeros((n, *counts, w.shape[-1]))
    for a, b, i, j in product(*map(range, (*counts, *w.shape[:2]))):
        p = a * strides[0] + i * dilations[0] - pads[0][0]
        q = b * strides[1] + j * dilations[1] - pads[1][0]
        if 0 <= p < sizes[0] and 0 <= q < sizes[1]:
            out[:, a, b] += x[:, p, q] @ w[i, j]
    return out


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("dilations", [(1, 1), (3, 2)])
@pytest.mark.parametrize("pads", [((0, 0), (0, 0)), ((2, 1), (0, 3))])
def test_convolution_is_what_its_definition_says(strides, dilations, pads) -> None:
    x, w = G.normal(size=(2, 9, 8, 3)), G.normal(size=(3, 4, 3, 5))
    found = tf.nn.conv2d(
        tf.constant(x), tf.constant(w), strides, [(0, 0), *pads, (0, 0)], dilations=dilations
    )
    np.testing.assert_allclose(found, by_definition(x, w, strides, dilations, pads), rtol=1e-12)


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_gives_a_window_for_each_stride(size: int, stride: int) -> None:
    laid = windows("test", (size,), (3,), (stride,), (2,), "SAME")
    ((before, after),) = laid.widths
    assert laid.counts == (-(-size // stride),)
    assert 0 <= after - before <= 1


def test_a_large_batch_is_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = (tf.constant(G.normal(size=s)) for s in ((7, 6, 5, 2), (3, 2, 2, 4)))

    def results():
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.nn.conv2d(x, w, 1, "SAME")
        return y, *tape.gradient(y, [x, w])

    whole = results()
    monkeypatch.setattr(conv_family, "_COLUMNS", 1000)  # less than two images
    for a, b in zip(results(), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_channels_may_come_first() -> None:
    x, w = G.normal(size=(2, 6, 5, 4)), G.normal(size=(3, 3, 4, 2))
    d = G.normal(size=(3, 3, 4, 3))
    pads = [[0, 0], [1, 0], [0, 2], [0, 0]]
    first = x.transpose(0, 3, 1, 2)
    for call in (
        lambda x, p, **f: tf.nn.conv2d(x, w, [1, 2, 1, 1] if not f else [1, 1, 2, 1], p, **f),
        lambda x, p, **f: tf.nn.depthwise_conv2d(x, d, [1, 1, 1, 1], p, **f),
        lambda x, p, **f: tf.nn.max_pool2d(x, [2, 3], 2, p, **f),
    ):
        for last_pads, first_pads in (("SAME", "SAME"), (pads, [pads[i] for i in (0, 3, 1, 2)])):
            last = call(tf.constant(x), last_pads).numpy()
            found = call(tf.constant(first), first_pads, data_format="NCHW").numpy()
            np.testing.assert_allclose(found, last.transpose(0, 3, 1, 2), rtol=1e-12)


def test_transposed_convolution_of_channels_first() -> None:
    g, w = G.normal(size=(2, 4, 3, 2)), G.normal(size=(3, 3, 5, 2))
    last = tf.nn.conv2d_transpose(tf.constant(g), w, [2, 8, 6, 5], 2).numpy()
    first = tf.nn.conv2d_transpose(
        tf.constant(g.transpose(0, 3, 1, 2)), w, [2, 5, 8, 6], 2, data_format="NCHW"
    )
    np.testing.assert_allclose(first, last.transpose(0, 3, 1, 2), rtol=1e-12)


def test_groups_are_convolutions_side_by_side() -> None:
    x, w = G.normal(size=(2, 5, 5, 6)), G.normal(size=(2, 2, 2, 9))
    found = tf.nn.conv2d(tf.constant(x), w, 1, "VALID").numpy()
    parts = [
        tf.nn.conv2d(x[..., 2 * i : 2 * i + 2], w[..., 3 * i : 3 * i + 3], 1, "VALID").numpy()
        for i in range(3)
    ]
    np.testing.assert_allclose(found, np.concatenate(parts, -1), rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_short_floats_add_up_in_float32(dtype) -> None:
    x, w = (tf.cast(tf.constant(G.normal(size=s)), dtype) for s in ((1, 6, 6, 64), (3, 3, 64, 2)))
    exact = tf.nn.conv2d(tf.cast(x, tf.float64), tf.cast(w, tf.float64), 1, "SAME")
    found = tf.nn.conv2d(x, w, 1, "SAME")
    assert found.dtype == dtype
    np.testing.assert_array_equal(
        tf.cast(found, tf.float32), tf.cast(tf.cast(tf.cast(exact, tf.float32), dtype), tf.float32)
    )


def test_pooling_does_not_count_what_lies_outside() -> None:
    x = -np.arange(1.0, 6.0).reshape(1, 5, 1)
    np.testing.assert_array_equal(
        tf.nn.max_pool1d(tf.constant(x), 2, 2, "SAME"), [[[-1], [-3], [-5]]]
    )
    np.testing.assert_array_equal(
        tf.nn.avg_pool1d(tf.constant(x), 2, 2, "SAME"), [[[-1.5], [-3.5], [-5]]]
    )


def test_nan_is_the_largest_and_of_equal_elements_the_first_gets_the_gradient() -> None:
    x = tf.constant([[[3.0], [3.0], [np.nan], [1.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.max_pool1d(x, 2, 2, "VALID")
    np.testing.assert_array_equal(y.numpy().ravel(), [3, np.nan])
    np.testing.assert_array_equal(tape.gradient(y, x).numpy().ravel(), [1, 0, 1, 0])


X, W = tf.ones([2, 5, 5, 3]), tf.ones([3, 3, 3, 4])
MISTAKES = {
    "channels": (lambda: tf.nn.conv2d(X, W[:, :, :2], 1, "SAME"), "take 2 channels, .* has 3"),
    "stride": (lambda: tf.nn.conv2d(X, W, 0, "SAME"), r"strides must be positive, got \(0, 0\)"),
    "strides": (lambda: tf.nn.conv2d(X, W, [1, 1, 1], "SAME"), "1, 2 or 4 numbers"),
    "batch stride": (lambda: tf.nn.conv2d(X, W, [2, 1, 1, 1], "SAME"), "batch and channels"),
    "window": (lambda: tf.nn.conv2d(X[:, :2], W, 1, "VALID"), "3 does not fit into a size of 2"),
    "dilation": (lambda: tf.nn.conv2d(X, W, 1, "VALID", dilations=3), r"3 \(7 with dilation 3\)"),
    "rank": (lambda: tf.nn.conv2d(X[0, 0], W, 1, "SAME"), r"4 axes or more, got shape \(5, 3\)"),
    "filters": (lambda: tf.nn.conv2d(X, W[0], 1, "SAME"), "filters must have 4 axes"),
    "padding": (lambda: tf.nn.conv2d(X, W, 1, "FULL"), "SAME, VALID or pairs of widths, got 'FU"),
    "format": (lambda: tf.nn.conv2d(X, W, 1, "SAME", "NWC"), "NHWC or NCHW, got 'NWC'"),
    "groups": (lambda: tf.nn.conv2d(tf.ones([1, 3, 3, 9]), W, 1, "SAME"), "4 outputs do not div"),
    "transpose": (lambda: tf.nn.conv2d_transpose(X, tf.ones([3, 3, 2, 3]), [2, 9, 9, 2], 1),
                  r"has shape \[2, 9, 9, 3\], got f32\[2, 5, 5, 3\]"),
    "transposed channels": (
        lambda: tf.nn.conv2d_transpose(X, tf.ones([3, 3, 2, 3]), [2, 5, 5, 7], 1), "channels"),
    "pool window": (lambda: tf.nn.max_pool2d(X, 7, 1, "VALID"), "7 does not fit into a size of 5"),
    "pool padding": (lambda: tf.nn.max_pool2d(X, 2, 1, [[0, 0], [2, 0], [0, 0], [0, 0]]),
                     r"padding \(2, 0\) is wider"),
    "pool rank": (lambda: tf.nn.max_pool2d(X[0], 2, 1, "SAME"), r"4 axes, got shape \(5, 5, 3\)"),
    "pool channels": (lambda: tf.nn.max_pool2d(X, [1, 1, 1, 3], 1, "SAME"), "channels must be 1"),
    "bias": (lambda: tf.nn.bias_add(X, tf.ones([4])), "one bias for each channel"),
    "label": (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([0, 7], tf.ones([2, 3])),
              r"label 7 is not in \[0, 3\)"),
    "negative label": (
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([-1], tf.ones([1, 3])),
        r"label -1 is not in \[0, 3\)"),
    "label dtype": (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([0.0], tf.ones([1, 3])),
                    "labels must be integers, got float32"),
    "dropout": (lambda: tf.nn.dropout(tf.constant([1, 2]), 0.5), "needs floats, got int32"),
    "lookup": (lambda: tf.nn.embedding_lookup([X, X], [9]), r"= 9 is not in \[0, 4\)"),
}  # fmt: skip


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_says_what_was_expected_and_what_came(name: str, graph: bool) -> None:
    call, text = MISTAKES[name]
    with pytest.raises(ValueError, match=text):
        (tf.function(call, autograph=False) if graph else call)()


def test_a_window_that_does_not_fit_a_size_unknown_before_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])], autograph=False)
    def f(x):
        return tf.nn.max_pool2d(tf.nn.conv2d(x, W, 1, "VALID"), 2, 2, "VALID")

    assert f(tf.ones([1, 6, 5, 3])).shape == (1, 2, 1, 4)
    assert f(tf.ones([3, 4, 9, 3])).shape == (3, 1, 3, 4)
    for size in (2, 3):
        with pytest.raises(tf.errors.InvalidArgumentError):
            f(tf.ones([1, size, 5, 3]))
