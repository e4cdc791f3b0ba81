"""Where rewriting would change a result: zeros' signs, infinities, no elements, no iterations."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from graphc.ir.graph import Graph
from graphc.ir.parse import parse
from graphc.ir.verify import verify
from graphc.ops import REGISTRY
from graphc.passes.base import Pipeline, Step
from graphc.runtime.interpreter import evaluate

ODD = (-0.0, 0.0, 1.0, -1.0, np.inf, -np.inf, np.nan)


def run(text: str, passes: str) -> tuple[Graph, Step]:
    graph = verify(parse(dedent(text).strip(), REGISTRY))
    step = Pipeline.parse(passes).run(graph)[-1]
    verify(step.after)
    return graph, step


def bits(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal for equal numbers of equal sign; every NaN is the same."""
    parts = array.view(array.real.dtype)
    return np.where(np.isnan(parts), 2.0, np.signbit(parts)), np.nan_to_num(parts, nan=0.0)


COMPLEX = {
    "x * 1": ("complex(1.0, 0.0)", "multiply %x, %c"),
    "1 * x": ("complex(1.0, 0.0)", "multiply %c, %x"),
    "x / 1": ("complex(1.0, 0.0)", "divide %x, %c"),
    "x ** 1": ("complex(1.0, 0.0)", "pow %x, %c"),
    "x ** 2": ("complex(2.0, 0.0)", "pow %x, %c"),
    "x * x": ("complex(2.0, 0.0)", "multiply %x, %x"),
    "x + 0": ("complex(0.0, 0.0)", "add %x, %c"),
    "x + -0": ("complex(-0.0, -0.0)", "add %x, %c"),
    "x + (-0+0j)": ("complex(-0.0, 0.0)", "add %x, %c"),
    "x - 0": ("complex(0.0, 0.0)", "subtract %x, %c"),
    "x - (0-0j)": ("complex(0.0, -0.0)", "subtract %x, %c"),
    "square + 0": ("complex(0.0, 0.0)", "add %s, %c"),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_arithmetic_stays_exact(name: str) -> None:
    constant, op = COMPLEX[name]
    before, step = run(f"""
        graph @f(%x: c64[N]) {{
          %s: c64[N] = square %x
          %c: c64[] = constant {{value=c64({constant})}}
          %r: c64[N] = {op}
          return %r
        }}""", "algebra, dce")  # fmt: skip
    x = np.array([complex(a, b) for a in ODD for b in ODD], np.complex64)
    (expected,), (found,) = evaluate(before, [x]), evaluate(step.after, [x])
    for a, b in zip(bits(expected), bits(found), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_may_fail_sees_no_more_elements_than_it_had() -> None:
    text = """
        graph @f(%x: i32[B, 3], %y: i32[3]) {
          %b: i32[B, 3] = broadcast_to {shape=(B, 3)} %y
          %r: i32[B, 3] = floordiv %x, %b
          return %r
        }"""
    _, step = run(text, "algebra")
    assert [d.reason for d in step.declined] == ["floordiv may fail, and there may be no elements"]
    (found,) = evaluate(step.after, [np.zeros((0, 3), np.int32), np.array([1, 0, 2], np.int32)])
    assert found.shape == (0, 3)
    assert run(text.replace("B", "2"), "algebra")[1].changed


def test_joined_strings_keep_their_order() -> None:
    _, step = run("""
        graph @f(%x: str[2], %y: str[2]) {
          %a: str[2] = add %x, %y
          %b: str[2] = add %y, %x
          return %a, %b
        }""", "cse")  # fmt: skip
    assert not step.changed


def test_a_loop_that_may_not_end_stays_where_it_may_not_begin() -> None:
    _, step = run("""
        graph @f(%x: f32[], %n: i32[]) {
          %s: f32[] = for {carried=1} %n, %x, %x {
            body(%i: i32[], %s: f32[], %x: f32[]) {
              %r: f32[] = while {carried=1} %x {
                cond(%x: f32[]) {
                  %c: f32[] = constant {value=f32(0.0)}
                  %p: b1[] = not_equal %x, %c
                  yield %p
                }
                body(%x: f32[]) {
                  yield %x
                }
              }
              %t: f32[] = add %s, %r
              yield %t
            }
          }
          return %s
        }""", "hoist")  # fmt: skip
    assert not step.changed
    assert [d.reason for d in step.declined] == [
        "while may not end, and the loop may run no iteration"
    ]
    one, none = np.asarray(1.0, np.float32), np.asarray(0, np.int32)
    assert evaluate(step.after, [one, none]) == [one]


def test_regions_with_effects_are_not_shared() -> None:
    branch = """if %p, %x {
            then(%x: f32[]) {
              print {template=("in",)}
              yield %x
            }
            else(%x: f32[]) {
              yield %x
            }
          }"""
    _, step = run(f"""
        graph @f(%x: f32[], %p: b1[]) {{
          %a: f32[] = {branch}
          %b: f32[] = {branch}
          return %a, %b
        }}""", "cse")  # fmt: skip
    assert not step.changed
