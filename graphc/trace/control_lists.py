"""Lists that grow in staged loops and branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import StagingError
from graphc.ir import dims
from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.control_join import Join
from graphc.trace.control_values import type_of, zeros_of
from graphc.trace.control_watch import Watch
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList, Part, as_part, check_alike, joined, only_grows
from graphc.trace.state import current

# --- loops ----------------------------------------------------------------------------------------


class Growth:
    """What each iteration of a loop adds to the ends of lists: it is stacked, row by row."""

    def __init__(self, watch: Watch, added: dict[int, list[Any]], loc: Any) -> None:
        self.watch, self.loc = watch, loc
        self.parts = {i: self._part(i, values) for i, values in added.items()}

    def _part(self, i: int, values: list[Any]) -> tuple[Any, bool]:
        """What an iteration adds, as rows, or as the single element that it is."""
        if len(values) == 1 and not isinstance(values[0], Part):
            return nest.map_structure(convert_to_tensor, values[0]), False
        if not isinstance(self.watch.container(i), GrowingList):
            columns = [nest.map_structure(convert_to_tensor, v) for v in values]
            return Part(columns), False  # one row each: they need not be alike
        return joined(values, f"the list {self.watch.label(i)!r}"), True

    def stretched(self) -> list[int]:
        """The lists that grow by another number in each iteration."""
        known = _known_symbols()
        counts = {i: part.count for i, (part, many) in self.parts.items() if many}
        return [i for i, n in counts.items() if not dims.symbols(n) <= known]

    def stacked(self) -> list[Any]:
        """The tensors to stack."""
        return [t for part, _ in self.parts.values() for t in _leaves(part)]

    def extend(self, stacks: Sequence[Any], count: int | None) -> None:
        """Let the lists have grown as if each iteration had run in Python."""
        source = iter(stacks)
        for i, (part, many) in self.parts.items():
            filled = _packed(part, [next(source) for _ in _leaves(part)])
            if many:
                filled = Part(nest.map_structure(_merged, filled.rows),
                              None if filled.flags is None else _merged(filled.flags))  # fmt: skip
            self._extend(i, filled, count)

    def _extend(self, i: int, grown: Any, count: int | None) -> None:
        held = list(self.watch.start[i])
        if isinstance(self.watch.container(i), GrowingList):
            part = grown if isinstance(grown, Part) else Part(grown)
            if held and not (isinstance(part.count, int) and part.flags is None):
                check_alike(as_part(held[0]), part, f"the list {self.watch.label(i)!r}")
            self.watch.put({i: [*held, part]})
            return
        if count is None:
            raise StagingError(
                f"the list {self.watch.label(i)!r} grows in the loop at {self.loc}, whose number of"
                " iterations is not known while tracing, and it was made outside of the function;"
                " make the list in the function, or use a tf.TensorArray"
            )
        columns = grown.rows if isinstance(grown, Part) else [grown]
        each = [Part(column).elements() for column in columns]
        self.watch.put({i: held + [v for row in zip(*each, strict=True) for v in row]})


def _leaves(part: Any) -> list[Any]:
    if not isinstance(part, Part):
        return nest.flatten(part)
    return nest.flatten(part.rows) + ([] if part.flags is None else [part.flags])


def _packed(part: Any, tensors: list[Any]) -> Any:
    if not isinstance(part, Part):
        return nest.pack_sequence_as(part, tensors)
    flags = None if part.flags is None else tensors.pop()
    return Part(nest.pack_sequence_as(part.rows, tensors), flags)


def _merged(t: Any) -> Any:
    """[trips, n, ...] as [trips * n, ...]."""
    trips, n, *rest = t.dims
    return ops.reshape(t, shape=(trips * n, *rest))


def _known_symbols() -> frozenset[str]:
    """The symbols that mean something in the trace around the current region."""
    found: set[str] = set()
    assert current.tracer is not None
    tracer = current.tracer.parent
    while tracer is not None:
        values = [*tracer.inputs, *(v for node in tracer.nodes for v in node.outputs)]
        found.update(s for v in values for s in v.type.symbols)
        tracer = tracer.parent
    return frozenset(found)


# --- branches -------------------------------------------------------------------------------------


def grown_apart(a: Any, b: Any, container: Any) -> bool:
    """Whether two branches leave a list with different numbers of elements."""
    lists = isinstance(container, GrowingList) and type(a) is list and type(b) is list
    if not lists or len(a) != len(b):
        return lists
    differ = (pair for pair in zip(a, b, strict=True) if pair[0] is not pair[1])
    return any(isinstance(v, Part) for pair in differ for v in pair)


def join_lists(join: Join, start: Any, a: Any, b: Any, what: str) -> list[Any]:
    """What a list holds after either branch: each side's own elements, which may be absent."""
    grows = only_grows(start, a) and only_grows(start, b)
    shared = list(start) if grows else []
    sides = [_one_side(join, i, v[len(shared) :], what) for i, v in enumerate((a, b))]
    return shared + [part for part in sides if part is not None]


def _one_side(join: Join, side: int, values: list[Any], what: str) -> Part | None:
    """Elements that one branch gives.  In the other there are none: if it is not known how many
    they are, rows of that number, else as many with flags that are off.
    """
    if not values:
        return None
    with staging.reopen(join.regions[side]):
        part = joined(values, what)
        if not isinstance(part.count, int):
            part = part.compact()
        elif part.flags is None:
            part = Part(part.rows, ops.broadcast_to(convert_to_tensor(True), shape=(part.count,)))
    if part.flags is not None:
        return join.one_sided(part, side, what)
    return Part(nest.map_structure(lambda t: _or_none(join, side, t), part.rows))


def _or_none(join: Join, side: int, rows: Any) -> Any:
    with staging.reopen(join.regions[1 - side]):
        none = zeros_of(type_of(rows).with_shape((0, *rows.dims[1:])))
    return join.slot(*((rows, none) if side == 0 else (none, rows)), "")
