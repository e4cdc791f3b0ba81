"""Rewrite rules: what each makes of a few lines, and what it declines, with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir import dtypes
from graphc.ir.parse import parse
from graphc.ir.verify import verify
from graphc.ops import REGISTRY
from graphc.ops.cast import cast
from graphc.passes.base import Pipeline
from graphc.passes.rules.casts import holds

HEAD = "%x: f32[B, 3], %y: f32[B, 3], %i: i32[4], %k: i8[2], %m: f32[1, 3], %u: f32[2, 4, 3]"


def rewritten(body: str, result: str = "%r") -> tuple[str, list[str]]:
    """The lines of a body after ``algebra, dce``, and the reasons for what was declined."""
    lines = "\n".join(f"  {line.strip()}" for line in body.strip().splitlines())
    graph = verify(parse(f"graph @f({HEAD}) {{\n{lines}\n  return {result}\n}}", REGISTRY))
    steps = Pipeline.parse("algebra, dce").run(graph)
    after = str(verify(steps[-1].after)).splitlines()[1:-1]
    return "\n".join(line.strip() for line in after), [d.reason for d in steps[0].declined]


ONE, ZERO, MINUS = (f"%c: f32[] = constant {{value=f32({v})}}" for v in ("1.0", "0.0", "-0.0"))

CASES = {
    "x * 1": (f"{ONE}\n%r: f32[B, 3] = multiply %c, %x", "return %x"),
    "x / 1": (f"{ONE}\n%r: f32[B, 3] = divide %x, %c", "return %x"),
    "x + -0": (f"{MINUS}\n%r: f32[B, 3] = add %x, %c", "return %x"),
    "x - 0": (f"{ZERO}\n%r: f32[B, 3] = subtract %x, %c", "return %x"),
    "i + 0": ("%c: i32[] = constant {value=i32(0)}\n%r: i32[4] = add %i, %c", "return %i"),
    "exp(x) + 0": (f"{ZERO}\n%e: f32[B, 3] = exp %x\n%r: f32[B, 3] = add %e, %c",
                   "%e: f32[B, 3] = exp %x\nreturn %e"),
    "--x": ("%n: f32[B, 3] = negative %x\n%r: f32[B, 3] = negative %n", "return %x"),
    "x + -y": ("%n: f32[B, 3] = negative %y\n%r: f32[B, 3] = add %x, %n",
               "%r: f32[B, 3] = subtract %x, %y\nreturn %r"),
    "x - -y": ("%n: f32[B, 3] = negative %y\n%r: f32[B, 3] = subtract %x, %n",
               "%r: f32[B, 3] = add %x, %y\nreturn %r"),
    "x ** 2": ("%c: f32[] = constant {value=f32(2.0)}\n%r: f32[B, 3] = pow %x, %c",
               "%r: f32[B, 3] = square %x\nreturn %r"),
    "x * x": ("%r: f32[B, 3] = multiply %x, %x", "%r: f32[B, 3] = square %x\nreturn %r"),
    "select": ("%p: b1[B, 3] = greater %x, %y\n%r: f32[B, 3] = select %p, %x, %x", "return %x"),
    "identities": ("%a: f32[B, 3] = identity %x\n%b: f32[B, 3] = stop_gradient %a\n"
                   "%r: f32[B, 3] = ensure_shape {shape=(None, 3)} %b", "return %x"),
    "cast to itself": ("%r: f32[B, 3] = cast {dtype=f32} %x", "return %x"),
    "lossless casts": ("%a: f32[2] = cast {dtype=f32} %k\n%r: i64[2] = cast {dtype=i64} %a",
                       "%r: i64[2] = cast {dtype=i64} %k\nreturn %r"),
    "reshapes": ("%a: f32[3*B] = reshape {shape=(3*B,)} %x\n"
                 "%b: f32[1, 3*B] = expand_dims {axis=0} %a\n"
                 "%r: f32[B, 3] = reshape {shape=(B, 3)} %b", "return %x"),
    "squeeze": ("%a: f32[1, 3, 1] = expand_dims {axis=2} %m\n%r: f32[3, 1] = squeeze {axis=0} %a",
                "%r: f32[3, 1] = reshape {shape=(3, 1)} %m\nreturn %r"),
    "transposes": ("%a: f32[4, 3, 2] = transpose {perm=(1, 2, 0)} %u\n"
                   "%r: f32[2, 4, 3] = transpose {perm=(2, 0, 1)} %a", "return %u"),
    "transposed operands": ("%a: f32[3, B] = transpose %x\n%b: f32[3, B] = transpose %y\n"
                            "%r: f32[3, 3] = matmul {transpose_b=True} %a, %b",
                            "%r: f32[3, 3] = matmul {transpose_a=True} %x, %y\nreturn %r"),
    "implied broadcast": ("%a: f32[B, 3] = broadcast_to {shape=(B, 3)} %m\n"
                          "%r: f32[B, 3] = multiply %x, %a",
                          "%r: f32[B, 3] = multiply %x, %m\nreturn %r"),
    "implied axes": ("%a: f32[3] = reshape {shape=(3,)} %m\n%b: f32[3] = exp %a\n"
                     "%e: f32[1, 3] = expand_dims %b\n%r: f32[B, 3] = multiply %x, %e",
                     "%a: f32[3] = reshape {shape=(3,)} %m\n%b: f32[3] = exp %a\n"
                     "%r: f32[B, 3] = multiply %x, %b\nreturn %r"),
    "broadcast last": ("%a: f32[B, 3] = broadcast_to {shape=(B, 3)} %m\n%r: f32[B, 3] = exp %a",
                       "%r.1: f32[1, 3] = exp %m\n"
                       "%r: f32[B, 3] = broadcast_to {shape=(B, 3)} %r.1\nreturn %r"),
    "zeros": ("%a: f32[B, 3] = exp %x\n%z: f32[B, 3] = ones_like %a\n%r: f32[B, 3] = add %y, %z",
              "%z.1: f32[] = constant {value=f32(1.0)}\n%r: f32[B, 3] = add %y, %z.1\nreturn %r"),
    "one row": ("%r: f32[3] = reduce_max {axis=(0,)} %m",
                "%r: f32[3] = reshape {shape=(3,)} %m\nreturn %r"),
    "whole slice": ("%r: f32[1, 3] = strided_slice {index=(slice(None, None, None),)} %m",
                    "return %m"),
    "concat of one": ("%r: f32[1, 3] = concat {axis=1} %m", "return %m"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rules(name: str) -> None:
    before, after = CASES[name]
    assert rewritten(before) == (after, [])


DECLINED = {
    "x + 0": (f"{ZERO}\n%r: f32[B, 3] = add %x, %c", "x + 0.0 is not x for -0.0"),
    "x - -0": (f"{MINUS}\n%r: f32[B, 3] = subtract %x, %c", "x - -0.0 is not x for -0.0"),
    "lossy": ("%a: i32[B, 3] = cast {dtype=i32} %x\n%r: f32[B, 3] = cast %a",
              "int32 cannot hold every float32"),
    "wraps": ("%a: f64[4] = cast {dtype=f64} %i\n%r: i8[4] = cast {dtype=i8} %a",
              "float64 to int8 does not wrap around as int32 does"),
    "sum": ("%r: f32[3] = reduce_sum {axis=(0,)} %m", "the sum of -0.0 alone is 0.0"),
    "batch axes": ("%a: f32[4, 2, 3] = transpose {perm=(1, 0, 2)} %u\n"
                   "%r: f32[4, 2, 2] = matmul {transpose_b=True} %a, %a",
                   "%a moves other axes than the last two"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECLINED)
def test_what_is_not_exact_is_declined_with_the_reason(name: str) -> None:
    before, reason = DECLINED[name]
    assert rewritten(before) == (f"{before}\nreturn %r", [reason])


def test_lossless_means_lossless() -> None:
    """`holds` against all values of small dtypes and the limits of large ones."""
    numbers = [d for d in dtypes.ALL if d.is_integer or d.is_floating or d.is_bool]
    for narrow in numbers:
        values = _telling_values(narrow)
        for wide in numbers:
            with np.errstate(all="ignore"):
                back = cast.eager(cast.eager(values, dtype=wide), dtype=narrow)
            if holds(wide, narrow):
                assert np.array_equal(back, values), (wide.name, narrow.name)


def _telling_values(dtype: dtypes.DType) -> np.ndarray:
    if dtype.is_bool:
        return np.array([False, True])
    if dtype.is_integer:
        return np.array([dtype.min, 0, 1, dtype.max - 1, dtype.max], dtype.np)
    limit = np.array(dtype.max, dtype.np)
    return np.array([-limit, 0, 1 / 3, 1e-7, limit, np.inf], dtype.np)
