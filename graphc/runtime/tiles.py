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


class _Vectors:
    """Emits loads, stores and masks of the registers of this machine."""

    def __init__(self, b: Any, short: str) -> None:
        self.b, self.size, self.lanes = b, bytes_of(short), lanes(short)
        self.element = llvm_type(short)
        self.vector = ir.VectorType(self.element, self.lanes)

    def splat(self, scalar: Any) -> Any:
        kind = ir.VectorType(scalar.type, self.lanes)
        one = self.b.insert_element(ir.Constant(kind, ir.Undefined), scalar, _I32(0))
        zeros = ir.Constant(ir.VectorType(_I32, self.lanes), None)
        return self.b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    def lanes_below(self, count: Any) -> Any:
        """A mask: which lanes have a number below ``count``."""
        kind = ir.VectorType(_I64, self.lanes)
        numbers = ir.Constant(kind, [_I64(i) for i in range(self.lanes)])
        return self.b.icmp_signed("<", numbers, self.splat(count))

    def intrinsic(self, what: str, result: Any, *args: Any) -> Any:
        """Call LLVM's intrinsic for these vectors."""
        name = f"llvm.{what}.v{self.lanes}f{self.size * 8}"
        name += ".p0" if what.startswith("masked") else ""
        function = self.b.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [a.type for a in args])
            function = ir.Function(self.b.module, kind, name)
        return self.b.call(function, args)

    def load(self, address: Any, mask: Any) -> Any:
        """A vector; zeros where the mask (None: everything) is not."""
        pointer = self.b.inttoptr(address, self.vector.as_pointer())
        if mask is None:
            return self.b.load(pointer, align=self.size)
        zero, align = ir.Constant(self.vector, None), _I32(self.size)
        return self.intrinsic("masked.load", self.vector, pointer, align, mask, zero)

    def store(self, value: Any, address: Any, mask: Any) -> None:
        pointer = self.b.inttoptr(address, self.vector.as_pointer())
        if mask is None:
            self.b.store(value, pointer, align=self.size)
        else:
            align = _I32(self.size)
            self.intrinsic("masked.store", ir.VoidType(), value, pointer, align, mask)

    def steps(self, base: Any, step: Any, count: int) -> list[Any]:
        """Addresses, ``step`` bytes apart."""
        return [self.b.add(base, self.b.mul(step, _I64(i))) for i in range(count)]


class _Tile(_Vectors):
    """Emits one tile at the builder's place."""

    def __init__(self, b: Any, short: str, rows: int, vectors: int, args: Any) -> None:
        super().__init__(b, short)
        self.rows, self.vectors = rows, vectors
        self.at = dict(zip(PARAMETERS, args, strict=True))
        self.mask = self.lanes_below(self.at["last"])

    def _load(self, address: Any, v: int, mask: Any) -> Any:
        return self.load(self.b.add(address, _I64(v * self.lanes * self.size)), mask)

    def _store(self, value: Any, address: Any, v: int, mask: Any) -> None:
        self.store(value, self.b.add(address, _I64(v * self.lanes * self.size)), mask)

    def _rows_of(self, base: Any, step: Any) -> list[Any]:
        return self.steps(base, step, self.rows)

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
        own = self.splat(self.b.icmp_signed("<=", self.at["skip"], _I64(row)))
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
            each = self.splat(b.load(place, align=self.size))
            for v in range(count):
                total = sums[m * count + v]
                out.append(self.intrinsic("fmuladd", self.vector, each, row[v], total))
        return out


def build(short: str, rows: int, vectors: int) -> Callable[..., None]:
    """What emits a tile of a size."""
    return lambda b, *args: _Tile(b, short, rows, vectors, args).build()


# --- turning a matrix -----------------------------------------------------------------------------


def _build_turn(short: str) -> Callable[..., None]:
    """A square of as many rows as a vector has lanes: half of the shuffles of LLVM's own."""

    def build(
        b: Any, source: Any, step: Any, rows: Any, target: Any, apart: Any, count: Any
    ) -> None:
        v = _Vectors(b, short)
        mask, size = v.lanes_below(count), v.lanes
        held = []
        for i, place in enumerate(v.steps(source, step, size)):
            there = v.splat(b.icmp_signed(">", rows, _I64(i)))
            held.append(v.load(place, b.and_(mask, there)))
        half = size // 2
        while half:  # exchange a bit of the row's number and the same bit of the lane's
            for i in (i for i in range(size) if not i & half):
                low, high = held[i], held[i + half]
                for to, shift in ((i, 0), (i + half, half)):
                    picks = [
                        size + n - half + shift if n & half else n + shift for n in range(size)
                    ]
                    chosen = ir.Constant(ir.VectorType(_I32, size), [_I32(n) for n in picks])
                    held[to] = b.shuffle_vector(low, high, chosen)
            half //= 2
        for i, place in enumerate(v.steps(target, apart, size)):
            v.store(held[i], place, v.splat(b.icmp_signed(">", count, _I64(i))))

    return build


def _python_turn(short: str) -> Callable[..., None]:
    kind = np.float32 if short == "f32" else np.float64

    def turn(*args: Any) -> None:
        source, step, rows, target, apart, count = map(int, args)
        size, width = lanes(short), bytes_of(short)
        block = np.zeros((size, size), kind)
        for i in range(min(rows, size)):
            raw = (ctypes.c_char * (min(count, size) * width)).from_address(source + i * step)
            block[i, : min(count, size)] = np.frombuffer(raw, kind)
        for i in range(min(count, size)):
            ctypes.memmove(target + i * apart, np.ascontiguousarray(block[:, i]).ctypes.data,
                           size * width)  # fmt: skip

    return turn


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


TILES = {f"tile_{t}": Native(f"tile_{t}", {}, _python(t)) for t in ("f32", "f64")}
# source, bytes between its rows, how many there are (others are zeros); target, bytes between its
# rows, how many it has
TURNS = {
    f"turn_{t}": Native(
        f"turn_{t}", {("i64",) * 6: ("void", _build_turn(t))}, _python_turn(t)
    )
    for t in ("f32", "f64")
}  # fmt: skip
FUNCTIONS = TILES | TURNS
