"""Locks and signals as kernels see them: those of POSIX threads, at an address."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from graphc.runtime.native import Native

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()


def _build(symbol: str) -> Callable[..., Any]:
    def build(b: Any, *addresses: Any) -> Any:
        function = b.module.globals.get(symbol)
        if function is None:
            kind = ir.FunctionType(_I32, [_POINTER] * len(addresses))
            function = ir.Function(b.module, kind, symbol)
        return b.call(function, [b.inttoptr(a, _POINTER) for a in addresses])

    return build


def _native(name: str, arguments: int) -> Native:
    symbol = f"pthread_{name}"

    def python(*addresses: int) -> int:
        return int(
            getattr(ctypes.CDLL(None), symbol)(*[ctypes.c_void_p(int(a)) for a in addresses])
        )

    return Native(name, {("i64",) * arguments: ("i32", _build(symbol))}, python)


FUNCTIONS = {
    name: _native(name, arguments)
    for name, arguments in (
        ("mutex_lock", 1), ("mutex_trylock", 1), ("mutex_unlock", 1), ("cond_wait", 2),
        ("cond_broadcast", 1), ("cond_signal", 1),
    )
}  # fmt: skip
