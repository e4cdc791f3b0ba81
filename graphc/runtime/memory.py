"""Memory as kernels see it: typed pointers, calls of other kernels, moving bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir

from graphc.runtime.native import ELEMENTS, Native, llvm_type

_NUMPY: dict[str, type] = {"f32": np.float32, "f64": np.float64, "b1": np.bool_}
_NUMPY |= {"c64": np.complex64, "c128": np.complex128}
_NUMPY |= {f"{k}{n}": np.dtype(f"{k}{n // 8}").type for k in "iu" for n in (8, 16, 32, 64)}
_I8, _I32, _I64 = (ir.IntType(n) for n in (8, 32, 64))
_BYTES = _I8.as_pointer()


# --- pointers -------------------------------------------------------------------------------------


class Pointer:
    """A typed pointer, where kernels run as Python."""

    def __init__(self, address: int, element: type) -> None:
        self.address, self.element = int(address), element

    @classmethod
    def of_slots(cls, address: int) -> Pointer:
        """The pointers that a kernel gets."""
        return cls(address, np.int64)

    def _view(self, index: int) -> np.ndarray:
        size = np.dtype(self.element).itemsize
        buffer = (ctypes.c_char * size).from_address(self.address + int(index) * size)
        return np.frombuffer(buffer, self.element)

    def __getitem__(self, index: int) -> Any:
        return self._view(index)[0]

    def __setitem__(self, index: int, value: Any) -> None:
        with np.errstate(all="ignore"):
            self._view(index)[0] = np.asarray(value).astype(self.element)


def _pointer(short: str) -> Native:
    def build(b: Any, address: Any) -> Any:
        return b.inttoptr(address, llvm_type(f"p_{short}"))

    def python(address: int) -> Pointer:
        return Pointer(address, _NUMPY[short])

    return Native(f"ptr_{short}", {("i64",): (f"p_{short}", build)}, python)


def _buffer(short: str) -> Native:
    """``buf_f32(address, 3)``: buffers with different literals never overlap."""

    def python(address: int, scope: int) -> Pointer:
        return Pointer(address, _NUMPY[short])

    return Native(f"buf_{short}", {}, python)


def _address_of() -> Native:
    def build(b: Any, pointer: Any) -> Any:
        return b.ptrtoint(pointer, _I64)

    cases = {(f"p_{short}",): ("i64", build) for short in ELEMENTS}
    return Native("address_of", cases, lambda pointer: np.int64(pointer.address))


# --- calls ----------------------------------------------------------------------------------------

KERNEL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)


def _call_kernel(b: Any, address: Any, slots: Any, row: Any) -> Any:
    pointer = _I64.as_pointer()
    kind = ir.FunctionType(_I32, [pointer, pointer])
    callee = b.inttoptr(address, kind.as_pointer())
    return b.call(callee, [b.inttoptr(v, pointer) for v in (slots, row)])


def _call_kernel_python(address: int, slots: int, row: int) -> np.int32:
    return np.int32(KERNEL(int(address))(int(slots), int(row)))


def _move_bytes(b: Any, target: Any, source: Any, count: Any) -> None:
    memmove = b.module.declare_intrinsic("llvm.memmove", [_BYTES, _BYTES, _I64])
    pointers = [b.inttoptr(v, _BYTES) for v in (target, source)]
    b.call(memmove, [*pointers, count, ir.IntType(1)(0)])


def _fill_bytes(b: Any, target: Any, value: Any, count: Any) -> None:
    memset = b.module.declare_intrinsic("llvm.memset", [_BYTES, _I64])
    b.call(memset, [b.inttoptr(target, _BYTES), b.trunc(value, _I8), count, ir.IntType(1)(0)])


def _move_bytes_python(target: int, source: int, count: int) -> None:
    ctypes.memmove(int(target), int(source), int(count))


def _fill_bytes_python(target: int, value: int, count: int) -> None:
    ctypes.memset(int(target), int(value) & 255, int(count))


# --- denormal floats ------------------------------------------------------------------------------

_FLUSH = 0x8040  # x86: results and operands that are denormal count as 0


def _flush_denormals(b: Any, wanted: Any) -> Any:
    """Set the mode of the floating point unit; returns the mode before."""
    if not _on_x86(b):
        return _I64(0)
    before = _read_modes(b)
    flushing = b.or_(before, b.select(b.icmp_signed("!=", wanted, _I64(0)), _I32(_FLUSH), _I32(0)))
    _write_modes(b, flushing)
    return b.zext(before, _I64)


def _restore_denormals(b: Any, modes: Any) -> None:
    if _on_x86(b):
        _write_modes(b, b.trunc(modes, _I32))


def _on_x86(b: Any) -> bool:
    return b.module.triple.startswith(("x86_64", "i386", "i686"))


def _read_modes(b: Any) -> Any:
    place = b.alloca(_I32)
    read = b.module.declare_intrinsic(
        "llvm.x86.sse.stmxcsr", (), ir.FunctionType(ir.VoidType(), [_BYTES])
    )
    b.call(read, [b.bitcast(place, _BYTES)])
    return b.load(place)


def _write_modes(b: Any, modes: Any) -> None:
    place = b.alloca(_I32)
    b.store(modes, place)
    write = b.module.declare_intrinsic(
        "llvm.x86.sse.ldmxcsr", (), ir.FunctionType(ir.VoidType(), [_BYTES])
    )
    b.call(write, [b.bitcast(place, _BYTES)])


def _functions() -> Iterator[Native]:
    for short in ELEMENTS:
        yield _pointer(short)
        yield _buffer(short)
    yield _address_of()
    three = ("i64", "i64", "i64")
    yield Native("call_kernel", {three: ("i32", _call_kernel)}, _call_kernel_python)
    yield Native("move_bytes", {three: ("void", _move_bytes)}, _move_bytes_python)
    yield Native(
        "flush_denormals", {("i64",): ("i64", _flush_denormals)}, lambda wanted: np.int64(0)
    )
    yield Native("restore_denormals", {("i64",): ("void", _restore_denormals)}, lambda modes: None)
    yield Native("fill_bytes", {three: ("void", _fill_bytes)}, _fill_bytes_python)


FUNCTIONS = {function.name: function for function in _functions()}
