"""What single ops are in a loop's kernel: on scalars, on small arrays, at places of memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.ops import control
from graphc.ops.combinators import normalize_axes, normalize_axis
from graphc.ops.loopnest import (
    KERNEL_DTYPES,
    Access,
    Unfit,
    is_computed,
    is_reduction,
    is_view,
    view,
)
from graphc.ops.opdef import Library, Scalar
from graphc.runtime.looptext import LoopText, Place, as_place, is_free, is_small
from graphc.runtime.places import COMBINED
from graphc.runtime.scalars import FALSE, Surroundings, expression, finish, literal, start, step

PRODUCTS = 128  # multiplications that are written out


def places_of(
    w: LoopText, node: Node, sources: Sequence[Place], busy: Callable[[], set[str]]
) -> list[Place]:
    """Write a node; ``busy`` tells the memory that must keep its values."""
    if node.op is control.constant:
        return [_constant(w, node)]
    if node.op.name == "raise_unless":
        for ok in w.elements(sources[0]).flat:
            w.check(node, FALSE, f"not {ok}")
        return []
    if node.op.effect:
        raise Unfit(f"{node.op.name} has no form in loops")
    if any(v.type.dtype not in KERNEL_DTYPES for v in (*node.inputs, *node.outputs)):
        raise Unfit("kernels do not compute in these types")
    name = node.op.lower.name if isinstance(node.op.lower, Library) else node.op.name  # type: ignore[attr-defined]
    if name in _WRITES:
        return [_write(w, node, sources, busy)]
    if is_view(node) and isinstance(sources[0], Access):
        found = view(node, sources[0])
        return [found if node.output.type.rank else w.load(found)]
    if is_view(node) and not is_small(node.output.type):
        return [_spread(w, node, sources[0])]
    if name in _READS:
        return [_READS[name](w, node, sources)]
    if not all(is_small(v.type) for v in node.outputs):
        raise Unfit(f"{node.op.name} gives {node.outputs[0].type}")
    if is_view(node) or node.op.name in _MOVES:
        return _moved(w, node, sources)
    rule = _RULES.get(name) or (_reduced if is_reduction(node) else _each)
    return [as_place(rule(w, node, sources))]


def _constant(w: LoopText, node: Node) -> Place:
    array = node.attrs["value"]
    if array.dtype == object or node.output.type.dtype not in KERNEL_DTYPES:
        raise Unfit("kernels do not compute in this type")
    if not is_small(node.output.type):
        return w.declare(node.output)
    found = np.empty(array.shape, object)
    for at in np.ndindex(array.shape):
        found[at] = literal(array[at])
    return as_place(found)


def _spread(w: LoopText, node: Node, source: Place) -> Access:
    """A large array whose elements are one scalar."""
    if not isinstance(source, str):
        raise Unfit(f"{node.op.name} gives {node.output.type}")
    made = w.scratch(node.output.type)
    index = w.fresh("k")
    w.add(f"for {index} in range({w.size(dims.product(made.shape))}):", node)
    w.depth += 1
    w.store(Access(w.part(Access(made.root, made.shape, (1,)), [index]).root, (), ()), source)
    w.depth -= 1
    return made


# --- elements that move ---------------------------------------------------------------------------

_MOVES = frozenset((
    "stack", "concat", "split", "unstack", "roll", "pad", "diag", "diag_part", "strided_slice_grad",
    "strided_slice_update",
))  # fmt: skip


def _moved(w: LoopText, node: Node, sources: Sequence[Place]) -> list[Place]:
    """The numpy rule, on texts; elements that it makes itself are numbers."""
    found = node.op.eager(*map(w.elements, sources), **node.attrs)  # type: ignore[attr-defined]
    results = found if len(node.outputs) > 1 or isinstance(found, (tuple, list)) else [found]
    for result, value in zip(results, node.outputs, strict=True):
        if np.shape(result) != value.type.shape:
            raise Unfit(f"{node.op.name} gives {value.type}")
    places = []
    for result, value in zip(results, node.outputs, strict=True):
        named, dtype = np.array(result, object), value.type.dtype.np
        for at in np.ndindex(named.shape):
            text = named[at][()] if isinstance(named[at], np.ndarray) else named[at]
            named[at] = text if isinstance(text, str) else literal(dtype.type(text))
        places.append(as_place(named))
    return places


# --- elements that are computed -------------------------------------------------------------------


def _each(w: LoopText, node: Node, sources: Sequence[Place]) -> np.ndarray:
    """An elementwise op, element by element."""
    if not is_computed(node):
        raise Unfit(f"{node.op.name} has no form in loops")
    shape: Any = node.output.type.shape
    given = [w.elements(s) for s in sources]
    if node.op.lower == Scalar("one_hot"):  # type: ignore[attr-defined]
        axis = normalize_axis(node.attrs.get("axis", -1), len(shape))
        given[0] = np.expand_dims(given[0], axis)
    arrays = [np.broadcast_to(g, shape) for g in given]
    found = np.empty(shape, object)
    for at in np.ndindex(shape):
        around = Surroundings([str(i) for i in at], lambda *a: w.check(node, *a), w.size)
        found[at] = w.define(expression(node, [a[at] for a in arrays], around), node)
    return found


def _reduced(w: LoopText, node: Node, sources: Sequence[Place]) -> np.ndarray:
    x = w.elements(sources[0])
    axes = normalize_axes(node.attrs["axis"], x.ndim)
    rest = [a for a in range(x.ndim) if a not in axes]
    count = int(np.prod([x.shape[a] for a in axes], dtype=int))
    rows = x.transpose(*rest, *axes).reshape(*(x.shape[a] for a in rest), count)
    found = np.empty(rows.shape[:-1], object)
    for at in np.ndindex(found.shape):
        total = w.define(start(node), node)
        for text in rows[at]:
            total = w.define(step(node, total, text), node)
        found[at] = w.define(finish(node, total, lambda: str(count)), node)
    return found.reshape(node.output.type.shape)


def _product(w: LoopText, node: Node, sources: Sequence[Place]) -> np.ndarray:
    """A matrix product of small matrices, written out."""
    a, b = map(w.elements, sources)
    a = np.swapaxes(a, -1, -2) if node.attrs["transpose_a"] else a
    b = np.swapaxes(b, -1, -2) if node.attrs["transpose_b"] else b
    shape: Any = node.output.type.shape
    if a.shape[-1] * int(np.prod(shape)) > PRODUCTS:
        raise Unfit("a product of matrices")
    a = np.broadcast_to(a, (*shape[:-2], *a.shape[-2:]))
    b = np.broadcast_to(b, (*shape[:-2], *b.shape[-2:]))
    found = np.empty(shape, object)
    zero = literal(node.output.type.dtype.np.type(0))
    for *lead, i, j in np.ndindex(shape):
        pairs = zip(a[(*lead, i)], b[(*lead, slice(None), j)], strict=True)
        total = " + ".join(f"{x} * {y}" for x, y in pairs) or zero
        found[(*lead, i, j)] = w.define(total, node)
    return found


_RULES = {"gemm": _product}

# --- at indices that data tells -------------------------------------------------------------------


def _taken(w: LoopText, place: Place, index: Sequence[str]) -> Place:
    """What a value holds at indices of its first axes."""
    if isinstance(place, Access):
        found = w.part(place, index)
        return found if found.shape else w.load(found)
    array = w.elements(place)
    for at in index:
        found = np.empty(array.shape[1:], object)
        for inner in np.ndindex(found.shape):
            found[inner] = w.define(_choice(at, array[(slice(None), *inner)]))
        array = found
    return as_place(array)


def _choice(at: str, texts: Sequence[str]) -> str:
    if not len(texts):
        raise Unfit("an element of nothing")
    *before, text = texts
    for i, other in reversed(list(enumerate(before))):
        text = f"{other} if {at} == {i} else ({text})"
    return text


def _gather(w: LoopText, node: Node, sources: Sequence[Place]) -> Place:
    array, indices = sources
    x, out = node.inputs[0].type, node.output.type
    axis = normalize_axis(node.attrs["axis"], x.rank)
    if node.attrs["batch_dims"] or not (isinstance(indices, str) or is_small(out)):
        raise Unfit(f"gather gives {out}")
    order = [axis, *(i for i in range(x.rank) if i != axis)]
    if isinstance(array, Access):
        shape, strides = ([of[i] for i in order] for of in (array.shape, array.strides))
        array = Access(array.root, tuple(shape), tuple(strides), array.offset)
    else:
        array = array.transpose(order)  # type: ignore[union-attr]

    def take(index: str) -> Place:
        return _taken(w, array, [w.position(node, index, x.shape[axis])])

    if isinstance(indices, str):
        return take(indices)
    rank = out.rank - x.rank + 1
    found = _gathered(w, w.elements(indices), take)
    return as_place(np.moveaxis(found, range(rank), range(axis, axis + rank)))


def _gathered(w: LoopText, indices: np.ndarray, take: Callable[[str], Place]) -> np.ndarray:
    parts = {at: w.elements(take(indices[at])) for at in np.ndindex(indices.shape)}
    if not parts:
        raise Unfit("an element of nothing")
    shape = next(iter(parts.values())).shape
    found = np.empty((*indices.shape, *shape), object)
    for at, part in parts.items():
        found[at] = part[()] if not shape else part
    return found


def _gather_nd(w: LoopText, node: Node, sources: Sequence[Place]) -> Place:
    x, indices = node.inputs[0].type, w.elements(sources[1])
    if not is_small(node.output.type) and indices.ndim > 1:
        raise Unfit(f"gather_nd gives {node.output.type}")

    def take(at: tuple[int, ...]) -> Place:
        index = [w.position(node, i, d) for i, d in zip(indices[at], x.shape, strict=False)]
        return _taken(w, sources[0], index)

    if indices.ndim == 1:
        return take(())
    found = np.empty(node.output.type.shape, object)  # type: ignore[arg-type]
    for at in np.ndindex(indices.shape[:-1]):
        part = take(at)
        found[at] = part if isinstance(part, str) else w.elements(part)
    return found


_READS: dict[str, Callable[[LoopText, Node, Sequence[Place]], Place]] = {
    "gather": _gather, "gather_nd": _gather_nd,
}  # fmt: skip

# --- writing to places ----------------------------------------------------------------------------

Written = list[tuple[tuple[str, ...], Place]]  # indices of the first axes, and what is put there
_WRITES = frozenset((*COMBINED, "set_row", "scatter_add"))


def _written(w: LoopText, node: Node, sources: Sequence[Place]) -> Written:
    """Where a node writes; all indices are checked before anything is."""
    x = node.inputs[0].type
    if node.op.name == "set_row":
        return [((w.position(node, sources[1], x.shape[0]),), sources[2])]  # type: ignore[arg-type]
    indices = w.elements(sources[1])
    if node.op.name == "scatter_add":
        if normalize_axis(node.attrs["axis"], x.rank):
            raise Unfit("scatter_add along another axis than the first")
        indices = indices[..., None]
    found: Written = []
    for at in np.ndindex(indices.shape[:-1]):
        pairs = zip(indices[at], x.shape, strict=False)
        found.append((tuple(w.position(node, i, d) for i, d in pairs), _at(w, sources[2], at)))
    return found


def _at(w: LoopText, place: Place, index: tuple[int, ...]) -> Place:
    if isinstance(place, Access):
        return _taken(w, place, [str(i) for i in index]) if index else place
    return as_place(w.elements(place)[index])


def _write(
    w: LoopText, node: Node, sources: Sequence[Place], busy: Callable[[], set[str]]
) -> Place:
    combined = COMBINED.get("tensor_scatter_add" if node.op.name == "scatter_add" else node.op.name)
    short = node.output.type.dtype.short
    written = _written(w, node, sources)

    def new(old: str, text: str) -> str:
        return f"{short}({combined.format(o=old, v=text)})" if combined else text

    if is_small(node.output.type):
        array = w.elements(sources[0])
        for index, place in written:
            array = _replaced(w, node, array, index, w.elements(place), new)
        return as_place(array)
    target = sources[0]
    if not is_free(target, busy()):
        target = w.scratch(node.output.type)
        w.copy(sources[0], target, node)
    else:
        w.in_place.append(node)
    for index, place in written:
        part = w.part(target, index)
        if combined in (None, "{v}"):
            w.copy(place, part, node)
            continue
        values = w.elements(place)
        for at in np.ndindex(values.shape):
            w.store(part, new(w.load(part, at), values[at]), at)
    return target


def _replaced(
    w: LoopText, node: Node, array: np.ndarray, index: Sequence[str], values: np.ndarray,
    new: Callable[[str, str], str],
) -> np.ndarray:  # fmt: skip
    """A small array with other values at an index that data tells."""
    found = np.empty(array.shape, object)
    for at in np.ndindex(array.shape):
        here = " and ".join(f"{g} == {i}" for g, i in zip(index, at, strict=False)) or "True"
        value = new(array[at], values[at[len(index) :]])
        found[at] = w.define(f"{value} if {here} else {array[at]}", node)
    return found
