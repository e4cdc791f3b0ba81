"""Pictures: valid XML, presentation attributes only, boxes that do not overlap."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

import graphc as tf
from graphc.inspect.layout import layered
from graphc.inspect.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"


def graph_with_regions() -> tf.Tensor:
    @tf.function
    def f(x, n):
        for _ in tf.range(n):
            x = tf.tanh(x) if tf.reduce_sum(x) > 0 else x * 2.0
        return x

    return f.graph(tf.constant([1.0, 2.0]), tf.constant(3))


def test_a_picture_is_xml_without_scripts_and_styles() -> None:
    text = to_svg(graph_with_regions())
    root = ElementTree.fromstring(text)
    assert root.tag == SVG + "svg"
    for word in ("script", " style=", "<style", "href", "foreignObject"):
        assert word not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    shown = "".join(t.text or "" for t in root.iter(SVG + "text"))
    assert "for" in shown and "then" in shown and "tanh" in shown


def test_large_graphs_are_drawn_by_source_line() -> None:
    @tf.function
    def f(x):
        for _ in range(200):
            x = x * 2.0 + 1.0
        return x

    graph = f.graph(tf.constant(1.0))
    text = to_svg(graph)
    assert text.count("<rect") < 20 and "one box a source line" in text
    assert to_svg(graph, collapse=False).count("<rect") > 200


@pytest.mark.parametrize("seed", range(8))
def test_boxes_do_not_overlap_and_edges_go_down(seed: int) -> None:
    r = random.Random(seed)
    count = r.randint(2, 40)
    sizes = {i: (r.uniform(20, 200), r.uniform(20, 60)) for i in range(count)}
    edges = [(a, b) for b in range(1, count) for a in {r.randrange(b) for _ in range(2)}]
    layout = layered(sizes, edges)
    boxes = [
        (x - sizes[v][0] / 2, y - sizes[v][1] / 2, x + sizes[v][0] / 2, y + sizes[v][1] / 2)
        for v, (x, y) in layout.centres.items()
    ]
    for i, (l1, t1, r1, b1) in enumerate(boxes):
        assert l1 >= -0.01 and r1 <= layout.width + 0.01 and b1 <= layout.height + 0.01
        for l2, t2, r2, b2 in boxes[:i]:
            assert r1 <= l2 + 0.01 or r2 <= l1 + 0.01 or b1 <= t2 + 0.01 or b2 <= t1 + 0.01
    for points in layout.routes.values():
        assert all(a[1] <= b[1] + 0.01 for a, b in zip(points, points[1:], strict=False))
