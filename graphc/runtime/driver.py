"""The native driver: runs a program, a table of integers, over a table of kernels.

A program needs no compilation; the driver itself is one kernel, compiled once for a machine.
`slots` is one int64 array for each call in flight: addresses of buffers, sizes, counters.  Code and
rows never change.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import cache

import numpy as np

from graphc.runtime import loader


class Op(IntEnum):
    """Instructions ``(op, a, b, c)``; "slot" means an index into `slots`."""

    HALT = 0
    CALL = 1  # kernel number, offset of its row, slot that holds the number of pieces (0: one)
    JUMP = 2  # target
    JUMP_FALSE = 3  # target, slot with the address of a bool
    HOST = 4  # number: return to Python, which goes on at the next instruction
    MOVE = 5  # slots[a] = slots[b]
    SWAP = 6  # exchange slots a and b
    COPY = 7  # address slot a <- address slot b, size slot c
    SET = 8  # slots[a] = b
    ADD = 9  # slots[a] += b
    JUMP_GE = 10  # target a if slots[b] >= slots[c]
    LOAD = 11  # slots[a] = the integer of c bytes at address slots[b]
    STORE = 12  # the integer of c bytes at address slots[a] = slots[b]
    OFFSET = 13  # slots[a] = slots[b] + slots[rows[c]] * slots[rows[c + 1]]
    GROW = 14  # return to Python as host step c, to this instruction, if slots[a] >= slots[b]
    UNBOX = 15  # for b slots from a: the address of an ndarray object -> of its data
    JUMP_LT = 16  # target a if slots[b] < slots[c]
    ZERO = 17  # as many bytes as slots[b] says, at address slots[a]


# The header of a run, an int64 array: addresses of code, rows and kernels; the next instruction;
# the number of a host step or the code of a failure; the kernel that runs pieces and what it is
# told (see `threads`), with whether denormal floats count as 0 (Adam's moments decay into them, and
# they are ten times as slow) and the team.
CODE, ROWS, KERNELS, PC, DETAIL, SPREAD, WORK = range(7)
FLUSH, TEAM = WORK + 3, WORK + 4
HEADER_SIZE = 16
DONE, AT_HOST, FAILED = range(3)  # what a run returns


def _data_offset() -> int:
    """Where an ndarray object holds the address of its data; found out, not assumed."""
    samples = [np.zeros(3), np.zeros((2, 2), np.int8), np.zeros(())]
    for offset in range(8, 64, 8):
        found = [ctypes.c_int64.from_address(id(a) + offset).value for a in samples]
        if found == [a.ctypes.data for a in samples]:
            return offset
    raise RuntimeError("cannot find the data pointer of numpy's arrays")


DATA_OFFSET = _data_offset()

TEXT = f'''"""The driver: runs the program of `header` on `slots`."""


def kernel(slots, header):
    code = ptr_i64(header[{CODE}])
    rows = ptr_i64(header[{ROWS}])
    kernels = ptr_i64(header[{KERNELS}])
    pc = header[{PC}]
    base = address_of(slots)
    modes = flush_denormals(header[{FLUSH}])
    result = {DONE}
    while True:
        op = code[4 * pc]
        a = code[4 * pc + 1]
        b = code[4 * pc + 2]
        c = code[4 * pc + 3]
        pc += 1
        if op == {Op.CALL:d}:
            if c == 0:
                status = call_kernel(kernels[a], base, header[{ROWS}] + 8 * b)
            else:
                header[{WORK}] = kernels[a]
                header[{WORK + 1}] = header[{ROWS}] + 8 * b
                header[{WORK + 2}] = slots[c]
                status = call_kernel(header[{SPREAD}], base, address_of(header) + {8 * WORK})
            if status != 0:
                header[{PC}] = pc - 1
                header[{DETAIL}] = status
                result = {FAILED}
                break
        elif op == {Op.ADD:d}:
            slots[a] += b
        elif op == {Op.JUMP_GE:d}:
            if slots[b] >= slots[c]:
                pc = a
        elif op == {Op.JUMP_LT:d}:
            if slots[b] < slots[c]:
                pc = a
        elif op == {Op.JUMP:d}:
            pc = a
        elif op == {Op.JUMP_FALSE:d}:
            if ptr_u8(slots[b])[0] == 0:
                pc = a
        elif op == {Op.OFFSET:d}:
            slots[a] = slots[b] + slots[rows[c]] * slots[rows[c + 1]]
        elif op == {Op.COPY:d}:
            move_bytes(slots[a], slots[b], slots[c])
        elif op == {Op.MOVE:d}:
            slots[a] = slots[b]
        elif op == {Op.SWAP:d}:
            held = slots[a]
            slots[a] = slots[b]
            slots[b] = held
        elif op == {Op.SET:d}:
            slots[a] = b
        elif op == {Op.LOAD:d}:
            if c == 4:
                slots[a] = i64(ptr_i32(slots[b])[0])
            else:
                slots[a] = ptr_i64(slots[b])[0]
        elif op == {Op.STORE:d}:
            if c == 4:
                ptr_i32(slots[a])[0] = i32(slots[b])
            else:
                ptr_i64(slots[a])[0] = slots[b]
        elif op == {Op.UNBOX:d}:
            for s in range(a, a + b):
                slots[s] = ptr_i64(slots[s] + {DATA_OFFSET})[0]
        elif op == {Op.ZERO:d}:
            fill_bytes(slots[a], 0, slots[b])
        elif op == {Op.GROW:d}:
            if slots[a] >= slots[b]:
                header[{PC}] = pc - 1
                header[{DETAIL}] = c
                result = {AT_HOST}
                break
        elif op == {Op.HOST:d}:
            header[{PC}] = pc
            header[{DETAIL}] = a
            result = {AT_HOST}
            break
        else:
            header[{PC}] = 0
            break
    restore_denormals(modes)
    return result
'''

Run = Callable[[int, int], int]


@cache
def native() -> Run:
    """``run(address of slots, address of header) -> DONE, AT_HOST or FAILED``; releases the GIL."""
    address = loader.load([TEXT])[0]
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(address)


class Program:
    """Collects instructions; jump targets are labels until `assemble`."""

    def __init__(self) -> None:
        self.lines: list[tuple[Op, object, int, int]] = []
        self.rows: list[int] = []
        self._labels: dict[str, int] = {}

    def emit(self, op: Op, a: object = 0, b: int = 0, c: int = 0) -> int:
        """Append an instruction; returns its number."""
        self.lines.append((op, a, b, c))
        return len(self.lines) - 1

    def row(self, slots: Sequence[int]) -> int:
        """Store a row of slot numbers, with their number before it; returns its offset."""
        self.rows += [len(slots), *slots]
        return len(self.rows) - len(slots)

    def label(self, name: str) -> None:
        """Name the place of the next instruction."""
        self._labels[name] = len(self.lines)

    def assemble(self) -> tuple[np.ndarray, np.ndarray]:
        """The tables of code and rows."""
        table = [
            (int(op), self._labels[a] if isinstance(a, str) else a, b, c)
            for op, a, b, c in self.lines
        ]
        rows = np.array(self.rows or [0], np.int64)
        return np.array(table, np.int64).reshape(-1, 4), rows
