"""Odd names, literals and texts: they read back exactly, or are refused with a proper error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.errors import ParseError, VerifyError
from graphc.ir import dims, dtypes
from graphc.ir.graph import Graph, Loc, Node, Value
from graphc.ir.lexer import Lexer
from graphc.ir.literals import literal
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops import REGISTRY

VECTOR = TensorType(dtypes.float32, (3,))
B, C = dims.symbol("B"), dims.symbol("C")
NAMES = (
    "a b", "é", "1", "1.5", "a.", "a..b", ".a", "", "%x", "a\nb", 'q"q', "\ud800", "w:0", "f32",
    "graph", "return", "a/b", "-", "x\u2028y", "x²", "²", "True", "if", "a#b",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_name_reads_back(name: str) -> None:
    x, y = Value(name, VECTOR), Value("out", VECTOR)
    node = Node(REGISTRY["tanh"], (x,), (y,), loc=Loc(f"{name}.py", 3, 4))
    text = Graph(f"n{name}", (x,), (node,), (y, x)).text(locs=True)
    again = parse(text, REGISTRY)
    assert again.text(locs=True) == text
    assert (again.name, again.inputs[0].name) == (f"n{name}", name)
    assert again.nodes[0].loc == node.loc


ATTRIBUTES = (
    -1, 10**30, True, None, -0.0, float("-inf"), 1e300, 5e-324, 1e22, 'a"b\n', "é\ud800\U0001f600",
    b"\x00\xff", (), (1,), (1, (2.5, None)), [1, [2]], dtypes.bfloat16, 2 * B + 1, -B, B * C - 3,
    B // 2, dims.maximum(B, 3), (2 * B,), (1, -B), slice(B, -1, None), (Ellipsis, slice(1, 2 * B)),
    complex(-0.0, float("inf")),
)  # fmt: skip


@pytest.mark.parametrize("value", ATTRIBUTES, ids=repr)
def test_attributes_read_back(value: Any) -> None:
    again = Lexer(literal(value) + " }").literal()
    assert type(again) is type(value)
    assert repr(again) == repr(value)


NAN_BITS = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
ARRAYS = {
    "big endian": np.arange(100, dtype=">f4"),
    "small big endian": np.arange(5, dtype=">i4"),
    "not contiguous": np.arange(200).reshape(10, 20)[:, ::2],
    "no rows": np.zeros((2, 0, 3), np.int8),
    "uint64": np.array([2**64 - 1], np.uint64),
    "int64": np.array([-(2**63)]),
    "denormal": np.array([1e-45, 3.4e38, 0.1], np.float32),
    "half": np.array([[np.nan, -np.inf], [-0.0, 6e-8]], np.float16),
    "other NaNs": NAN_BITS,
    "complex NaNs": NAN_BITS.view(np.complex128),
    "complex": np.array([complex(-0.0, np.nan), 1 - 2j], np.complex64),
    "bits": np.ones(300, np.bool_),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_read_back_to_the_bit(name: str) -> None:
    array = ARRAYS[name]
    again = Lexer(literal(array) + " }").literal()
    assert again.shape == array.shape
    assert again.astype(array.dtype).tobytes() == array.tobytes()


GRAPH = "graph @f(%x: f32[3]) {{\n  {}\n  return %x\n}}"
REFUSED = {
    "no value": "%y: f32[] = constant",
    "twice": "%y: f32[3] = cast {dtype=f32, dtype=f32} %x",
    "no dtype": "%y: f32[3] = cast {dtype=builtins.ValueError} %x",
    "no class": "%y: f32[3] = cast {dtype=nowhere.X} %x",
    "ragged": "%y: f32[2] = constant {value=f32([[1.0], [1.0, 2.0]])}",
    "too short": '%y: f32[3] = constant {value=f32[3]("AAAA")}',
    "no axis": '%y: f32[] = reduce_sum {axis="q"} %x',
    "no regions": "%y: f32[3] = if %x",
    "deep": f"guard {{a={'(' * 5000}",
    "escape": r'raise_unless {template="\q"} %x',
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_texts_are_refused_not_crashes(name: str) -> None:
    with pytest.raises((ParseError, VerifyError)):
        verify(parse(GRAPH.format(REFUSED[name]), REGISTRY))
