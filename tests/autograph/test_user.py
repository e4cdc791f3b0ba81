"""`tf.autograph` as users call it."""

from __future__ import annotations

import pytest

import graphc as tf


def clipped(x):
    if x > 0:
        return x * 2
    return -x


def test_to_graph_stages_inside_of_a_function() -> None:
    made = tf.autograph.to_graph(clipped)
    assert made(3) == 6 and made(-3) == 3
    staged = tf.function(made, autograph=False)
    assert int(staged(tf.constant(3))) == 6 and int(staged(tf.constant(-3))) == 3
    assert staged.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match="takes a function"):
        tf.autograph.to_graph(3)


def test_to_code_shows_lists_that_may_grow() -> None:
    def f(n):
        out = []
        for i in range(n):
            out.append(i)
        return out

    code = tf.autograph.to_code(f)
    assert "ag.list_([])" in code and "ag.for_" in code


def test_do_not_convert_keeps_a_function() -> None:
    kept = tf.autograph.experimental.do_not_convert(lambda x: bool(x > 0))
    with pytest.raises(TypeError, match="not convert"):
        tf.function(lambda x: kept(x), fallback="error")(tf.constant(1))


def test_options_outside_of_loops_do_nothing() -> None:
    tf.autograph.experimental.set_loop_options(maximum_iterations=3)
    assert tf.autograph.experimental.Feature.ALL.value == "ALL"


def test_verbosity_and_trace(capsys) -> None:
    tf.autograph.set_verbosity(2)
    assert tf.autograph.get_verbosity() == 2
    tf.autograph.set_verbosity(0)

    @tf.function
    def f(x):
        tf.autograph.trace("seen", 1)
        return x

    f(tf.constant(1))
    f(tf.constant(2))
    assert capsys.readouterr().out == "seen 1\n"


converted = abs  # as the functions that AutoGraph makes were once called


def test_a_global_may_have_any_name() -> None:
    @tf.function
    def f(x):
        return converted(x)

    assert float(f(tf.constant(-2.0))) == 2.0
