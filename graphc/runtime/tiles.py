"""The heart of products and convolutions: a tile of C, held in registers, over all of k.

``tile_f32(rows, vectors, ...)`` computes ``rows`` rows and ``vectors`` vector registers of columns
of C = A B or C + A B.  An element of A is loaded once and multiplied with a row of B's vectors.
A lies anywhere: its rows are ``am`` bytes apart, and k goes through *runs*: ``length`` elements,
``ak`` bytes apart, from each of a table of offsets.  So A may be a matrix, its transpose, or the
windows of an image where they lie, without columns being made.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from graphc.runtime.native import Native, llvm_type
from graphc.runtime.tiling import bytes_of, lanes

_I8, _I32, _I64 = (ir.IntType(n) for n in (8, 32, 64))
_BYTES = _I8.as_pointer()
# last: how many columns the last vector has; more: whether C is added to, but for its first `skip`
# rows
PARAMETERS = (
    "a", "am", "ak", "offsets", "runs", "length", "b", "bk", "c", "cm", "last", "more", "skip",
)  # fmt: skip


class _Builder:
    """Emits one tile at the builder's place."""

    def __init__(self, b: Any, short: str, rows: int, vectors: int, args: Any) -> None:
        self.b, self.rows, self.vectors = b, rows, vectors
        self.at = dict(zip(PARAMETERS, args, strict=True))
        self.element = llvm_type(short)
        self.size = bytes_of(short)
        self.lanes = lanes(short)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.mask = self._mask()

    def _splat(self, scalar: Any) -> Any:
        kind = ir.VectorType(scalar.type, self.lanes)
        one = self.b.insert_element(ir.Constant(kind, ir.Undefined), scalar, _I32(0))
        zeros = ir.Constant(ir.VectorType(_I32, self.lanes), None)
        return self.b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    def _mask(self) -> Any:
        """Which lanes of the last vector are columns."""
        kind = ir.VectorType(_I32, self.lanes)
        count = ir.Constant(kind, [_I32(i) for i in range(self.lanes)])
        return self.b.icmp_signed("<", count, self._splat(self.b.trunc(self.at["last"], _I32)))

    def _intrinsic(self, what: str, result: Any, *args: Any) -> Any:
        """Call LLVM's intrinsic for these vectors."""
        name = f"llvm.{what}.v{self.lanes}f{self.size * 8}"
        name += ".p0" if what.startswith("masked") else ""
        function = self.b.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [a.type for a in args])
            function = ir.Function(self.b.module, kind, name)
        return self.b.call(function, args)

    def _load(self, address: Any, v: int, mask: Any) -> Any:
        pointer = self._pointer(address, v)
        if mask is None:
            return self.b.load(pointer, align=self.size)
        zero, align = ir.Constant(self.vector, None), _I32(self.size)
        return self._intrinsic("masked.load", self.vector, pointer, align, mask, zero)

    def _store(self, value: Any, address: Any, v: int, mask: Any) -> None:
        pointer, align = self._pointer(address, v), _I32(self.size)
        if mask is None:
            self.b.store(value, pointer, align=self.size)
        else:
            self._intrinsic("masked.store", ir.VoidType(), value, pointer, align, mask)

    def _pointer(self, address: Any, v: int) -> Any:
        place = self.b.add(address, _I64(v * self.lanes * self.size))
        return self.b.inttoptr(place, self.vector.as_pointer())

    def _rows_of(self, base: Any, step: Any) -> list[Any]:
        return [self.b.add(base, self.b.mul(step, _I64(m))) for m in range(self.rows)]

    # --- the whole ---

    def build(self) -> None:
        b, at = self.b, self.at
        self.below = self._rows_of(_I64(0), at["am"])
        zeros = [ir.Constant(self.vector, None)] * (self.rows * self.vectors)
        _, (_, _, *sums) = self._loop(
            at["runs"], [at["offsets"], at["b"], *zeros],
            lambda held: [b.add(held[0], _I64(8)), *self._run(held[0], held[1], held[2:])],
        )  # fmt: skip
        self._finish(sums)

    def _finish(self, sums: list[Any]) -> None:
        """C = sums, or C + sums: added last, so that long sums are sums of shorter ones."""
        b = self.b
        adding, storing, done = (b.append_basic_block(n) for n in ("add", "store", "done"))
        b.cbranch(b.icmp_signed("!=", self.at["more"], _I64(0)), adding, storing)
        for block, more in ((adding, True), (storing, False)):
            b.position_at_end(block)
            for m, place in enumerate(self._rows_of(self.at["c"], self.at["cm"])):
                masks = self._masks(m if more else None)
                for v in range(self.vectors):
                    total = sums[m * self.vectors + v]
                    if more:
                        total = b.fadd(self._load(place, v, masks[v]), total)
                    self._store(total, place, v, masks[v])
            b.branch(done)
        b.position_at_end(done)

    def _masks(self, row: int | None = None) -> list[Any]:
        """Which lanes of each vector of a row are used (None: all)."""
        masks = [None] * (self.vectors - 1) + [self.mask]
        if row is None:
            return masks
        own = self._splat(self.b.icmp_signed("<=", self.at["skip"], _I64(row)))
        return [own if m is None else self.b.and_(own, m) for m in masks]

    def _loop(self, count: Any, start: list[Any], body: Callable[[list[Any]], list[Any]]) -> Any:
        """``count`` times: from what is held to what is held next."""
        b = self.b
        before = b.block
        head, inside, after = (b.append_basic_block(n) for n in ("head", "inside", "after"))
        b.branch(head)
        b.position_at_end(head)
        left = b.phi(_I64)
        held = [b.phi(v.type) for v in start]
        b.cbranch(b.icmp_signed(">", left, _I64(0)), inside, after)
        b.position_at_end(inside)
        nexts = [b.sub(left, _I64(1)), *body(held)]
        for phi, first, then in zip([left, *held], [count, *start], nexts, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(then, b.block)
        b.branch(head)
        b.position_at_end(after)
        return left, held

    def _run(self, offset: Any, right: Any, sums: list[Any]) -> list[Any]:
        """One run of k: the address of B afterwards, and the sums."""
        b, at = self.b, self.at
        start = b.add(at["a"], b.load(b.inttoptr(offset, _I64.as_pointer())))
        _, (_, right, *sums) = self._loop(
            at["length"],
            [start, right, *sums],
            lambda held: [b.add(held[0], at["ak"]), b.add(held[1], at["bk"]), *self._step(*held)],
        )
        return [right, *sums]

    def _step(self, left: Any, right: Any, *sums: Any) -> list[Any]:
        b, count = self.b, self.vectors
        row = [self._load(right, v, mask) for v, mask in enumerate(self._masks())]
        out = []
        for m, below in enumerate(self.below):
            place = b.inttoptr(b.add(left, below), self.element.as_pointer())
            each = self._splat(b.load(place, align=self.size))
            for v in range(count):
                total = sums[m * count + v]
                out.append(self._intrinsic("fmuladd", self.vector, each, row[v], total))
        return out


def build(short: str, rows: int, vectors: int) -> Callable[..., None]:
    """What emits a tile of a size."""
    return lambda b, *args: _Builder(b, short, rows, vectors, args).build()


# --- the same from Python -------------------------------------------------------------------------


def _python(short: str) -> Callable[..., None]:
    kind = np.float32 if short == "f32" else np.float64
    size = np.dtype(kind).itemsize

    def vector(address: int, count: int) -> np.ndarray:
        raw = (ctypes.c_char * (count * size)).from_address(int(address))
        return np.frombuffer(raw, kind)

    def tile(rows: int, vectors: int, *args: Any) -> None:
        a, am, ak, offsets, runs, length, b, bk, c, cm, last, more, skip = map(int, args)
        width = (vectors - 1) * lanes(short) + last
        starts = [ctypes.c_int64.from_address(offsets + 8 * r).value for r in range(runs)]
        lefts = [a + start + k * ak for start in starts for k in range(length)]
        for m in range(rows):
            out = vector(c + m * cm, width)
            total = np.zeros(width, kind)
            for k, left in enumerate(lefts):
                total += vector(left + m * am, 1)[0] * vector(b + k * bk, width)
            if not more:
                out[...] = total
            elif m >= skip:
                out += total

    return tile


FUNCTIONS = {f"tile_{t}": Native(f"tile_{t}", {}, _python(t)) for t in ("f32", "f64")}
