"""Printing in TensorFlow's format, and checks that say what failed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import graphc as tf

PRINTED = [
    ([tf.constant(3.14159265)], "3.14159274"),
    ([tf.constant([0.1, 1 / 3, 1e7, 123456.789, 1e-5, 1e20])],
     "[0.1 0.333333343 1e+07 123456.789 1e-05 1e+20]"),
    ([tf.constant([np.inf, -np.inf, np.nan])], "[inf -inf nan]"),
    ([tf.constant([1 / 3, 1e7], tf.float64)], "[0.33333333333333331 10000000]"),
    ([tf.constant([[True, False]]), tf.constant(["a", "b"]), tf.constant("a"), "x", True, None],
     '[[1 0]] ["a" "b"] "a" x True None'),
    ([tf.reshape(tf.range(8), [2, 2, 2])], "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"),
    ([tf.range(100)], "[0 1 2 ... 97 98 99]"),
    ([{"a": tf.constant(1)}, [tf.constant([1.5, 2.0]), 2], (tf.constant(1), "s")],
     "{'a': 1} [[1.5 2], 2] (1, 's')"),
    ([], ""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "text"), PRINTED)
def test_print_writes_what_tensorflow_writes(values, text, capfd) -> None:
    tf.print(*values)
    tf.print(*values, output_stream=sys.stdout)
    assert capfd.readouterr() == (text + "\n", text + "\n")


def test_print_takes_its_options(capfd, tmp_path) -> None:
    tf.print(tf.range(8), 1, summarize=2, sep=", ", end="|")
    assert capfd.readouterr().err == "[0 1 ... 6 7], 1|"
    tf.print(tf.range(8), summarize=-1, output_stream=f"file://{tmp_path}/log")
    assert (tmp_path / "log").read_text() == "[0 1 2 3 4 5 6 7]\n"
    with pytest.raises(ValueError, match="colour"):
        tf.print(1, colour="red")


def test_print_runs_on_every_call_of_a_graph(capfd) -> None:
    @tf.function(autograph=False)
    def f(x):
        tf.print("x is", x)
        return x + 1

    for value in (1.0, 2.5):
        f(tf.constant(value))
    assert capfd.readouterr().err == "x is 1\nx is 2.5\n"


@pytest.mark.parametrize("staged", [False, True])
def test_checks_name_what_failed(staged) -> None:
    def run(check, *args):
        return (tf.function(check, autograph=False) if staged else check)(*map(tf.constant, args))

    error = tf.errors.InvalidArgumentError
    with pytest.raises(error, match="weights : Tensor had Inf and NaN|weights : Tensor had"):
        run(lambda x: tf.debugging.check_numerics(x, "weights"), [np.nan, np.inf])
    with pytest.raises(error, match="too small(.|\n)*x > y did not hold"):
        run(lambda x: tf.debugging.assert_greater(x, 2.0, message="too small"), [3.0, 1.0])
    with pytest.raises(error, match="not near"):
        run(lambda x: tf.debugging.assert_near(x, x + 1e-3), [1.0])
    run(lambda x: tf.debugging.assert_near(x, x), [1.0])
    run(lambda x: tf.debugging.assert_non_negative(x), [0.0])


def test_types_are_checked_while_tracing() -> None:
    x = tf.ones([2, 3])
    tf.debugging.assert_rank(x, 2)
    tf.debugging.assert_type(x, tf.float32)
    for check, error, text in (
        (lambda: tf.debugging.assert_rank(x, 1), ValueError, "rank must be 1, got 2"),
        (lambda: tf.debugging.assert_rank_at_least(x, 3), ValueError, "3 or more, got 2"),
        (lambda: tf.debugging.assert_type(x, tf.int32), TypeError, "int32, got float32"),
        (lambda: tf.debugging.assert_integer(x), TypeError, "got float32"),
    ):
        with pytest.raises(error, match=text):
            check()
