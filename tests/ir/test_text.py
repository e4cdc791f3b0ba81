"""Text of graphs: it reads back to the same text, and mistakes are told with their place."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import ParseError
from graphc.ir import dims
from graphc.ir.dtypes import bfloat16, float32, float64, int8, string
from graphc.ir.graph import GraphBuilder, Loc
from graphc.ir.lexer import Lexer
from graphc.ir.literals import is_opaque, literal
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ops import REGISTRY, control

STEP = """\
graph @train_step(%x: f32[B, 3], %y: f32[B, 4]) state(%w: f32[3, 4], %"a b": f32[]) {
  %h: f32[B, 4] = matmul %x, %w  @ "step.py":5:12
  %h.1: f32[B, 4] = tanh %h  @ "step.py":5:8
  %s: f32[] = reduce_sum {axis=(0, 1)} %h.1
  %c: f32[] = constant {value=f32(-0.0)}
  %p: b1[] = greater %s, %c
  guard {a=2*B+1, b=B*floordiv(B, 2)+1}
  raise_unless {exception=builtins.ValueError, template=(None, "h", -1.5)} %p
  %h.2: f32[B, 4] = if %p, %h.1  @ "step.py":6:8 {
    then(%h.1: f32[B, 4]) {
      %1: f32[B, 4] = add %h.1, %h.1  @ "step.py":7:8
      yield %1
    }
    else(%h.1: f32[B, 4]) {
      yield %h.1
    }
  }
  %t: f32[5] = iota {dtype=f32, size=5}
  %v: f32[2], %i: i32[2] = top_k {k=2} %t
  return %h.2, %v
  update %w = %w
}"""


def test_text_reads_back() -> None:
    graph = parse(STEP, REGISTRY)
    assert graph.text(locs=True) == STEP
    assert graph.nodes[0].loc == Loc("step.py", 5, 12)
    assert "@ " not in str(graph).partition("\n")[2]
    assert parse(str(graph), REGISTRY).fingerprint == graph.fingerprint


def test_defaults_are_left_out_and_restored() -> None:
    graph = parse(STEP, REGISTRY)
    assert graph.nodes[0].attrs == {"transpose_a": False, "transpose_b": False}
    assert graph.nodes[2].attrs == {"axis": (0, 1), "keepdims": False}


LITERALS = [
    0, -7, 1.5, -0.0, float("inf"), -float("inf"), 1e-300, True, None, "a \"b\"\n%", b"\x00x", (),
    (1,), (1, (2.0, "x")), [1, 2], slice(None, 3, -1), slice(dims.symbol("B"), None, None),
    float32, bfloat16, Ellipsis, ValueError, 2 - 3j, dims.symbol("B"), dims.symbol("B") * -2 + 1,
    dims.symbol("f32") + 1, dims.maximum(dims.symbol("B"), 3) // 2,
]  # fmt: skip


@pytest.mark.parametrize("value", LITERALS, ids=literal)
def test_literals_read_back(value: object) -> None:
    assert not is_opaque(value)
    again = Lexer(literal(value)).literal()
    assert type(again) is type(value)
    assert again == value
    assert literal(again) == literal(value)


ARRAYS = [
    np.float32(0.1), np.array([np.nan, np.inf, -0.0, 1e-45], "f4"), np.zeros((0, 3), "f8"),
    np.arange(6, dtype="i8").reshape(2, 3), np.array([True, False]),
    np.array([1 + 2j, -0.0j], "c8"),
    np.array(2**64 - 1, "u8"), np.array([b"a", "ü\n".encode(), b"\xff"], object),
    np.arange(200, dtype="f4"),
    np.array([0.1, 65504], "f2"), np.array([0x7FC00001], "u4").view("f4"), np.zeros(0, "f4"),
    np.array([[1, 2], [3, 4]], bfloat16.np), np.zeros((2, 0), object),
]  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: literal(a)[:30])
def test_arrays_read_back_to_the_bit(array: np.ndarray) -> None:
    again = Lexer(literal(array)).literal()
    assert again.shape == array.shape
    assert again.dtype == array.dtype
    if array.dtype == object:
        assert again.tolist() == array.tolist()
    else:
        assert again.tobytes() == array.tobytes()


def test_functions_are_opaque() -> None:
    assert is_opaque(len)
    assert is_opaque((1, lambda: 0))
    assert "0x" not in literal(lambda: 0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("tanh %h ", "tanh %hh ", "line 3, column 26: %hh is not defined"),
        ("tanh %h ", "tanhh %h ", "line 3, column 21: there is no op 'tanhh'"),
        ("f32[B, 3], %y", "f33[B, 3], %y", "line 1, column 23: there is no dtype 'f33'"),
        ("%h.1: f32[B, 4] = tanh", "%h: f32[B, 4] = tanh", "line 3, column 3: there are two"),
        ("update %w", "update %h", "%h is no state"),
        ("value=f32(-0.0)", "value=f32(1 2)", "expected ')'"),
        ("axis=(0, 1)", "axis=(0, 1", "expected ')'"),
        ("return", "?", "unexpected '?'"),
        ("builtins.ValueError", "os.nothing", "no class of a loaded module"),
        ("  update %w = %w\n}", "", "expected '}', found 'the end'"),
    ],
)
def test_mistakes_are_told_with_their_place(before: str, after: str, message: str) -> None:
    assert before in STEP
    with pytest.raises(ParseError) as caught:
        parse(STEP.replace(before, after, 1), REGISTRY)
    assert message in str(caught.value)
    assert "^" in str(caught.value)


def test_fingerprints_ignore_names_only() -> None:
    graph = parse(STEP, REGISTRY)
    renamed = parse(STEP.replace("%h", "%hidden").replace("@train_step", "@g"), REGISTRY)
    other = parse(STEP.replace("tanh", "exp"), REGISTRY)
    assert renamed.fingerprint == graph.fingerprint
    assert other.fingerprint != graph.fingerprint


def test_every_dtype_prints_in_a_type() -> None:
    for dtype in (float64, int8, string):
        builder = GraphBuilder("f")
        x = builder.parameter(TensorType(dtype, (2, dims.symbol("B"))), "odd name")
        text = str(builder.finish([x]))
        assert str(parse(text, REGISTRY)) == text


def test_nodes_without_operands_end_with_their_line() -> None:
    builder = GraphBuilder("f")
    for _ in range(2):
        builder.emit(control.constant, (), {"value": np.float32(1)})
    text = str(builder.finish([]))
    assert str(parse(text, REGISTRY)) == text
    assert text.endswith("  return\n}")
