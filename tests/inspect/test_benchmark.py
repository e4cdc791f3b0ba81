"""`benchmark` measures both ways, changes nothing, and does its arithmetic right."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import graphc as tf
from graphc.inspect.benchmark import Benchmark, Sizes

FIGURES = Benchmark("f(x: f32[2]) -> f32[2]", eager=400e-6, graph=20e-6, first_call=0.19)


def test_arithmetic() -> None:
    assert FIGURES.speedup == pytest.approx(20)
    assert FIGURES.break_even == 500
    slower = Benchmark("f()", eager=1e-6, graph=2e-6, first_call=0.1)
    assert slower.break_even is None and "leave the decorator out" in str(slower)


def test_text() -> None:
    assert str(FIGURES).splitlines() == [
        "f(x: f32[2]) -> f32[2]",
        "  eager          400 us",
        "  graph           20 us   20.0x as fast",
        "  first call     190 ms   pays after 500 calls",
    ]


def test_html_is_well_formed_and_static() -> None:
    html = FIGURES._repr_html_()
    ElementTree.fromstring(f"<div>{html}</div>")
    assert "<script" not in html and "style=" not in html and "-&gt;" in html


@pytest.mark.parametrize("decorate", [lambda f: f, tf.function])
def test_measures_and_restores_variables(decorate) -> None:
    v = tf.Variable([1.0, 2.0])

    def step(x):
        v.assign_add(x)
        return tf.reduce_sum(v)

    found = tf.benchmark(decorate(step), tf.constant([1.0, 1.0]))
    np.testing.assert_array_equal(v.numpy(), [1.0, 2.0])
    assert found.eager > 0 and found.graph > 0 and found.first_call > found.graph
    assert re.match(r"step\(x: f32\[2\]\) -> f32\[\]\n", str(found))


def test_others_take_part_and_differing_results_are_noted() -> None:
    def f(x):
        return tf.reduce_sum(x * x)

    right = {"numpy": lambda x: np.sum(np.asarray(x) ** 2), "wrong": lambda x: 1.0}
    found = tf.benchmark(f, tf.constant([1.0, 2.0]), against=right)
    assert [t.name for t in found.others] == ["numpy", "wrong"]
    assert found.others[0].note == "" and "differs" in found.others[1].note
    assert set(found.to_dict()["others"]) == {"numpy", "wrong"}
    named = tf.benchmark(f, tf.constant([1.0, 2.0]), against=[np.linalg.norm])
    assert named.others[0].name == "norm"


def test_sizes_tell_where_the_graph_begins_to_win() -> None:
    def at(eager: float, graph: float) -> Benchmark:
        return Benchmark("f()", eager=eager, graph=graph, first_call=0.1)

    assert Sizes({1: at(1, 2), 10: at(3, 2), 100: at(9, 2)}).wins_from == 10
    assert Sizes({1: at(3, 2), 10: at(1, 2)}).wins_from is None
    found = tf.benchmark_sizes(lambda x: x + 1.0, lambda n: (tf.ones([n]),), [2, 2000])
    assert list(found.found) == [2, 2000] and "the graph is faster" in str(found)


def test_figures_can_be_plotted() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    axes = FIGURES.plot()
    assert [t.get_text() for t in axes.get_yticklabels()] == ["eager", "graph"]
    assert Sizes({1: FIGURES, 10: FIGURES}).plot().get_xlabel() == "size"
