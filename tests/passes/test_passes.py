"""Each pass on a small graph: text in, pass, text out."""

from __future__ import annotations

from textwrap import dedent

import pytest

from graphc.ir.graph import Graph
from graphc.ir.parse import parse
from graphc.ir.verify import verify
from graphc.ops import REGISTRY
from graphc.passes.base import DEFAULT, MODULES, Pipeline, Step, default_pipeline


def run(passes: str, text: str) -> tuple[Graph, Step]:
    """The graph of a text after passes, verified, and the last step."""
    before = verify(parse(dedent(text).strip(), REGISTRY))
    step = Pipeline.parse(passes).run(before)[-1]
    return verify(step.after), step


def check(passes: str, before: str, after: str) -> None:
    assert str(run(passes, before)[0]) == dedent(after).strip()


# --- pipelines ------------------------------------------------------------------------------------


def test_pipelines_are_text() -> None:
    assert str(default_pipeline()) == DEFAULT
    assert str(Pipeline.parse(" cse,dce ")) == "cse, dce"
    with pytest.raises(ValueError, match="no pass 'csee'"):
        Pipeline.parse("csee")


def test_steps_tell_the_users_line() -> None:
    graph, step = run("cse", """
        graph @f(%x: f32[3]) {
          %a: f32[3] = tanh %x  @ "/home/me/step.py":5:8
          %b: f32[3] = tanh %x  @ "/home/me/step.py":6:8
          return %a, %b
        }""")  # fmt: skip
    assert [str(a) for a in step.applied] == ["cse %b = tanh  step.py:6: the same as %a"]
    assert str(step) == "cse: 2 -> 1 nodes, 1 applied, 0 declined"


@pytest.mark.parametrize("name", [n for n in MODULES if n != "fuse"])
def test_a_pass_with_nothing_to_do_returns_its_graph(name: str) -> None:
    graph, step = run(name, """
        graph @f(%x: f32[B], %p: b1[]) {
          %y: f32[B] = if %p, %x {
            then(%x: f32[B]) {
              yield %x
            }
            else(%x: f32[B]) {
              %n: f32[B] = tanh %x
              yield %n
            }
          }
          return %y
        }""")  # fmt: skip
    assert not step.changed


# --- inline ---------------------------------------------------------------------------------------


def test_calls_are_inlined_with_their_sizes_and_names() -> None:
    check("inline", """
        graph @f(%x: f32[2, 3]) {
          %t: f32[2, 3] = tanh %x
          %y: f32[C, 3] = call {name="g"} %t {
            body(%a: f32[C, 3]) {
              %t: f32[C, 3] = exp %a
              %u: f32[C, 3] = call {name="h"} %t {
                body(%a: f32[D, 3]) {
                  %b: f32[3*D] = reshape {shape=(3*D,)} %a
                  %s: f32[D, 3] = reshape {shape=(D, 3)} %b
                  yield %s
                }
              }
              yield %u
            }
          }
          %z: f32[C, 3] = negative %y
          return %z
        }""", """
        graph @f(%x: f32[2, 3]) {
          %t: f32[2, 3] = tanh %x
          %t.1: f32[2, 3] = exp %t
          %b: f32[6] = reshape {shape=(6,)} %t.1
          %y: f32[2, 3] = reshape {shape=(2, 3)} %b
          %z: f32[2, 3] = negative %y
          return %z
        }""")  # fmt: skip


def test_calls_in_regions_are_inlined() -> None:
    graph, _ = run("inline", """
        graph @f(%x: f32[], %p: b1[]) {
          %y: f32[] = if %p, %x {
            then(%x: f32[]) {
              %c: f32[] = call {name="g"} %x {
                body(%a: f32[]) {
                  yield %a
                }
              }
              yield %c
            }
            else(%x: f32[]) {
              yield %x
            }
          }
          return %y
        }""")  # fmt: skip
    assert not graph.nodes[0].regions["then"].nodes


# --- fold -----------------------------------------------------------------------------------------


def test_constants_are_folded_by_the_ops_own_rule() -> None:
    check("fold, dce", """
        graph @f(%x: f32[2, 3], %y: f32[B]) {
          %a: i32[] = constant {value=i32(2)}
          %b: i32[] = constant {value=i32(0)}
          %s: i32[2] = shape_of %x
          %i: i32[] = strided_slice {index=(1,)} %s
          %c: i32[] = multiply %i, %a
          %d: f32[] = cast {dtype=f32} %c
          %n: i32[1] = shape_of %y
          %v: f32[2], %j: i32[2] = top_k {k=2} %e
          return %d, %n, %v
        }""".replace("          %v:", """\
          %e: f32[3] = iota {dtype=f32, size=3}
          %v:"""), """
        graph @f(%x: f32[2, 3], %y: f32[B]) {
          %d: f32[] = constant {value=f32(6.0)}
          %n: i32[1] = shape_of %y
          %v: f32[2] = constant {value=f32([2.0, 1.0])}
          return %d, %n, %v
        }""")  # fmt: skip


def test_what_fails_or_grows_is_left() -> None:
    graph, step = run("fold", """
        graph @f() {
          %a: i32[] = constant {value=i32(2)}
          %b: i32[] = constant {value=i32(0)}
          %c: i32[] = floordiv %a, %b
          %d: i32[100] = broadcast_to {shape=(100,)} %a
          return %c, %d
        }""")  # fmt: skip
    assert not step.changed
    reasons = {d.node.op.name: d.reason for d in step.declined}
    assert reasons["floordiv"].startswith("it raises InvalidArgumentError")
    assert reasons["broadcast_to"] == "it grows from 1 to 100 elements"


def test_captured_constants_fold_inside_of_regions() -> None:
    check("fold, dce", """
        graph @f(%x: f32[], %n: i32[]) {
          %two: f32[] = constant {value=f32(2.0)}
          %s: f32[] = for {carried=1} %n, %x, %two {
            body(%i: i32[], %s: f32[], %two: f32[]) {
              %four: f32[] = multiply %two, %two
              %t: f32[] = multiply %s, %four
              yield %t
            }
          }
          return %s
        }""", """
        graph @f(%x: f32[], %n: i32[]) {
          %s: f32[] = for {carried=1} %n, %x {
            body(%i: i32[], %s: f32[]) {
              %four: f32[] = constant {value=f32(4.0)}
              %t: f32[] = multiply %s, %four
              yield %t
            }
          }
          return %s
        }""")  # fmt: skip


# --- cse ------------------------------------------------------------------------------------------


def test_equal_nodes_and_equal_regions_are_shared() -> None:
    check("cse", """
        graph @f(%x: f32[], %y: f32[], %p: b1[]) {
          %a: f32[] = add %x, %y
          %b: f32[] = add %y, %x
          %c: f32[] = subtract %x, %y
          %d: f32[] = subtract %y, %x
          %e: f32[] = if %p, %a {
            then(%a: f32[]) {
              %1: f32[] = exp %a
              yield %1
            }
            else(%a: f32[]) {
              yield %a
            }
          }
          %g: f32[] = if %p, %b {
            then(%q: f32[]) {
              %r: f32[] = exp %q
              yield %r
            }
            else(%q: f32[]) {
              yield %q
            }
          }
          return %b, %c, %d, %e, %g
        }""", """
        graph @f(%x: f32[], %y: f32[], %p: b1[]) {
          %a: f32[] = add %x, %y
          %c: f32[] = subtract %x, %y
          %d: f32[] = subtract %y, %x
          %e: f32[] = if %p, %a {
            then(%a: f32[]) {
              %1: f32[] = exp %a
              yield %1
            }
            else(%a: f32[]) {
              yield %a
            }
          }
          return %a, %c, %d, %e, %e
        }""")  # fmt: skip


def test_effects_and_other_zeros_are_not_shared() -> None:
    _, step = run("cse", """
        graph @f(%x: f32[]) {
          print {template=(None,)} %x
          print {template=(None,)} %x
          %a: f32[] = constant {value=f32(0.0)}
          %b: f32[] = constant {value=f32(-0.0)}
          %c: f64[] = constant {value=f64(0.0)}
          return %a, %b, %c
        }""")  # fmt: skip
    assert not step.changed


# --- hoist ----------------------------------------------------------------------------------------


def test_invariant_nodes_leave_loops_if_they_cannot_fail() -> None:
    text = """
        graph @f(%x: f32[3], %k: i32[], %n: i32[]) {
          %s: f32[3], %m: i32[] = while {carried=2} %x, %n, %x, %k {
            cond(%s: f32[3], %m: i32[], %x: f32[3], %k: i32[]) {
              %c: b1[] = greater %m, %k
              yield %c
            }
            body(%s: f32[3], %m: i32[], %x: f32[3], %k: i32[]) {
              %one: f32[] = constant {value=f32(1.0)}
              %e: f32[3] = exp %x
              %e.1: f32[3] = add %e, %one
              %s.1: f32[3] = add %s, %e.1
              %q: i32[] = floordiv %k, %k
              %m.1: i32[] = subtract %m, %q
              yield %s.1, %m.1
            }
          }
          return %s
        }"""
    check("hoist, dce", text, """
        graph @f(%x: f32[3], %k: i32[], %n: i32[]) {
          %one: f32[] = constant {value=f32(1.0)}
          %e: f32[3] = exp %x
          %e.1: f32[3] = add %e, %one
          %s: f32[3], %m: i32[] = while {carried=2} %x, %n, %k, %e.1 {
            cond(%s: f32[3], %m: i32[], %k: i32[], %e.1: f32[3]) {
              %c: b1[] = greater %m, %k
              yield %c
            }
            body(%s: f32[3], %m: i32[], %k: i32[], %e.1: f32[3]) {
              %s.1: f32[3] = add %s, %e.1
              %q: i32[] = floordiv %k, %k
              %m.1: i32[] = subtract %m, %q
              yield %s.1, %m.1
            }
          }
          return %s
        }""")  # fmt: skip
    _, step = run("hoist", text)
    assert [d.reason for d in step.declined] == [
        "floordiv may fail, and the loop may run no iteration"
    ]


def test_sizes_known_only_inside_stay_inside() -> None:
    _, step = run("hoist", """
        graph @f(%x: f32[], %n: i32[], %v: f32[B]) {
          %s: f32[] = for {carried=1} %n, %x, %v {
            body(%i: i32[], %s: f32[], %v: f32[B]) {
              %zero: f32[] = constant {value=f32(0.0)}
              %m: b1[B] = greater %v, %s
              %w: i64[n1, 1] = nonzero {size=n1} %m
              %k: f32[] = extent {dtype=f32, size=n1}
              %r: f32[] = exp %k
              %t: f32[] = add %s, %r
              yield %t
            }
          }
          return %s
        }""")  # fmt: skip
    assert not step.changed
    assert "known only inside" in step.declined[0].reason


# --- dce ------------------------------------------------------------------------------------------


def test_unused_results_rows_and_operands_of_loops_go() -> None:
    check("dce", """
        graph @f(%x: f32[B, 2], %y: f32[B, 3], %z: f32[2], %n: i32[]) {
          %s: f32[2], %u: f32[2], %r: f32[B, 2] = for {carried=2, length=B, scanned=2, stacked=1} \
%n, %z, %z, %x, %y, %z {
            body(%i: i32[], %s: f32[2], %u: f32[2], %x: f32[2], %y: f32[3], %z: f32[2]) {
              %y.1: f32[3] = exp %y
              %s.1: f32[2] = add %s, %x
              %u.1: f32[2] = add %u, %z
              %r: f32[2] = tanh %u
              yield %s.1, %u.1, %r
            }
          }
          return %s
        }""", """
        graph @f(%x: f32[B, 2], %y: f32[B, 3], %z: f32[2], %n: i32[]) {
          %s: f32[2] = for {carried=1, scanned=1} %n, %z, %x {
            body(%i: i32[], %s: f32[2], %x: f32[2]) {
              %s.1: f32[2] = add %s, %x
              yield %s.1
            }
          }
          return %s
        }""")  # fmt: skip


def test_unused_results_of_if_go_in_both_branches() -> None:
    check("dce", """
        graph @f(%x: f32[2], %y: f32[2], %p: b1[]) {
          %a: f32[2], %b: f32[2] = if %p, %x, %y {
            then(%x: f32[2], %y: f32[2]) {
              print {template=("in",)}
              %e: f32[2] = exp %y
              yield %e, %x
            }
            else(%x: f32[2], %y: f32[2]) {
              yield %y, %x
            }
          }
          return %b
        }""", """
        graph @f(%x: f32[2], %y: f32[2], %p: b1[]) {
          %b: f32[2] = if %p, %x {
            then(%x: f32[2]) {
              print {template=("in",)}
              yield %x
            }
            else(%x: f32[2]) {
              yield %x
            }
          }
          return %b
        }""")  # fmt: skip


def test_who_tells_a_size_stays_and_true_guards_go() -> None:
    check("dce", """
        graph @f(%v: b1[B]) {
          guard {a=B+1, b=B+1}
          guard {a=B, b=3}
          %w: i64[n1, 1] = nonzero {size=n1} %v
          %w2: i64[n2, 1] = nonzero {size=n2} %v
          %k: f32[] = extent {dtype=f32, size=n1}
          return %k
        }""", """
        graph @f(%v: b1[B]) {
          guard {a=B, b=3}
          %w: i64[n1, 1] = nonzero {size=n1} %v
          %k: f32[] = extent {dtype=f32, size=n1}
          return %k
        }""")  # fmt: skip
