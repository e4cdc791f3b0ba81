"""Kernel text to machine code: what LLVM is told, and what it makes of it."""

from __future__ import annotations

import re
from types import FunctionType

from graphc.runtime import compiler, kernel_prelude
from graphc.runtime.native import has_avx512
from tests.runtime.kernels import loop

LONG = "sqrt_f32(exp_f32(log_f32(tanh_f32(x[i])) * exp_f32(x[i])))"
SHORT = "sqrt_f32(x[i])"
HINT = "llvm.loop.interleave.count"


def function(expression: str, loops: str = "range") -> FunctionType:
    names = dict(vars(kernel_prelude))
    text = loop(expression, "f32", "f32").replace("range", loops)
    for at in (0, 1):  # buffers that do not overlap
        text = text.replace(f"ptr_f32(slots[row[{at}]])", f"buf_f32(slots[row[{at}]], {at})")
    exec(text, names)
    return names["kernel"]


def test_a_long_loop_works_on_several_vectors_at_a_time() -> None:
    code = compiler.llvm_code(function(LONG))
    bodies = re.findall(r"^vector\.body:.*?^  br ", code, re.DOTALL | re.MULTILINE)
    roots = [len(re.findall(r"<\d+ x float> @llvm\.sqrt", body)) for body in bodies]
    assert max(roots) == compiler.TOGETHER


def test_a_short_loop_is_left_to_llvm() -> None:
    assert HINT in compiler._to_llvm(function(LONG), "k")
    assert HINT not in compiler._to_llvm(function(SHORT), "k")


def test_a_loop_of_few_iterations_computes_its_rest_under_a_mask() -> None:
    code = compiler.llvm_code(function(LONG, "few"))
    assert ("llvm.masked.store" in code) == has_avx512()


def test_scopes_are_told_as_far_as_they_are_used() -> None:
    code = compiler._to_llvm(function(SHORT), "k")
    assert set(re.findall(r"buffer \d+", code)) == {"buffer 0", "buffer 1"}
    assert code.count("!noalias") == 2  # a load and a store


def test_types_of_calls_are_found_out_once() -> None:
    compiler._to_llvm(function(SHORT), "k")
    before = len(compiler._typing_context._known)
    compiler._to_llvm(function(SHORT), "k")
    assert len(compiler._typing_context._known) == before
