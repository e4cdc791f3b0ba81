"""Lists of converted code, which staged loops and branches may let grow by an unknown number.

A list holds its elements as Python's does.  What staged code adds stands in it as a `Part`: rows of
one tensor, of which flags tell whether they are there.  While a loop runs that also reads what it
adds, the list is a buffer of rows and a count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import InvalidArgumentError, StagingError, SymbolicValueError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.rows import Growable, Later, first, length, roomy, written
from graphc.trace.state import current
from graphc.trace.tensor import Operators, SymbolicTensor, Tensor


@dataclass(eq=False)
class Part:
    """Elements of a list: ``rows`` is one element with each tensor stacked to [n, ...], ``flags``
    bool[n] says which are there, None that all are.
    """

    rows: Any
    flags: Any = None

    @property
    def count(self) -> Any:
        """How many rows there are: an int or a dim; None in the structure of a trace's results."""
        return getattr(nest.flatten(self.rows)[0], "dims", (None,))[0]

    def compact(self) -> Part:
        """The same without the rows that are not there."""
        if self.flags is None:
            return self
        tracer = current.tracer
        size = None if tracer is None else tracer.fresh_symbol()
        mask = self.flags
        return Part(nest.map_structure(lambda t: ops.boolean_mask(t, mask, size=size), self.rows))

    def elements(self) -> list[Any] | None:
        """The elements one by one, if their number is known."""
        if not isinstance(self.count, int) or self.flags is not None:
            return None
        columns = [ops.unstack(t, axis=0) for t in nest.flatten(self.rows)]
        return [nest.pack_sequence_as(self.rows, row) for row in zip(*columns, strict=True)]


def _read(python: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `list` that looks at the elements."""

    def method(self: GrowingList, *args: Any, **kwargs: Any) -> Any:
        return python(self.known(python.__name__), *args, **kwargs)

    method.__name__ = python.__name__
    return method


def _changing(python: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `list` that changes more than its end."""

    def method(self: GrowingList, *args: Any, **kwargs: Any) -> Any:
        elements = list(self.known(python.__name__))
        result = python(elements, *args, **kwargs)
        self.hold(elements)
        return self if result is elements else result

    method.__name__ = python.__name__
    return method


class GrowingList(Growable, list):
    """A Python list whose number of elements may depend on tensors."""

    __graphc_kind__ = list
    label = ""
    buffer: tuple[Any, Any] | None = None  # rows and their count, in a loop that reads it

    @property
    def rows(self) -> Any:  # type: ignore[override]
        assert self.buffer is not None
        return self.buffer[0]

    @rows.setter
    def rows(self, rows: Any) -> None:
        self.buffer = (rows, self.buffer[1])  # type: ignore[index]

    # --- what staged code sees ---

    def held(self) -> Any:
        return self.buffer or list.copy(self)

    def hold(self, held: Any) -> None:
        if isinstance(held, tuple):
            self.buffer = held
        else:
            self.buffer = None
            list.__setitem__(self, slice(None), held)

    def enter(self) -> bool:
        """From now on it is a buffer with a count."""
        if self.buffer is not None:
            return False
        if not list.__len__(self):
            self.buffer = (Later(0), 0)
            return True
        rows = self.dense().rows
        if not isinstance(rows, Operators):
            raise StagingError(
                f"{self.what}: a loop reads it while it grows, so its elements must be tensors,"
                " not structures of them"
            )
        self.buffer = (rows, length(rows))
        return True

    def leave(self) -> None:
        if self.buffer is not None:
            rows, count = self.buffer
            self.hold([] if isinstance(rows, Later) else [Part(first(rows, count))])

    @property
    def what(self) -> str:
        return f"the list {self.label!r}" if self.label else "the list"

    # --- its elements ---

    @property
    def is_known(self) -> bool:
        """Whether Python knows how many elements there are."""
        if self.buffer is not None:
            return False
        parts = (v for v in list.__iter__(self) if isinstance(v, Part))
        return all(isinstance(p.count, int) and p.flags is None for p in parts)

    @property
    def has_parts(self) -> bool:
        """Whether staged code has put elements in."""
        return self.buffer is not None or any(isinstance(v, Part) for v in list.__iter__(self))

    def known(self, method: str = "") -> list[Any]:
        """The elements as Python's list; refuses if only running tells their number."""
        self.reads += 1
        if not self.is_known:
            raise SymbolicValueError(
                f"how many elements {self.what} has is known only when the program runs; here"
                f" Python asks for them ({method or 'list'}). Use tf.stack of it, len, an index or"
                " a `for` statement"
            )
        return self._once("_elements", self._expanded)

    def _expanded(self, held: list[Any]) -> list[Any]:
        each = (v.elements() if isinstance(v, Part) else [v] for v in held)
        return [v for elements in each for v in elements]  # type: ignore[union-attr]

    def _once(self, what: str, make: Callable[[list[Any]], Any]) -> Any:
        """What is made of the elements, made again only if they or the region have changed."""
        held, made = list.copy(self), self.__dict__.get(what)
        if made is None or not _same(made[0], held) or made[1] is not current.tracer:
            made = self.__dict__[what] = held, current.tracer, make(held)
        return made[2]

    def __graphc_children__(self) -> list[Any]:
        """What `nest` sees: the elements, or parts where only running tells how many."""
        return self._once("_elements", self._expanded) if self.is_known else list.copy(self)

    def dense(self) -> Part:
        """All elements as one part in which all rows are there."""
        self.reads += 1
        if self.buffer is not None:
            rows, count = self.buffer
            if isinstance(rows, Later):
                raise InvalidArgumentError(f"{self.what} has no elements yet")
            return Part(first(rows, count))
        return self._once("_whole", lambda held: joined(held, self.what).compact())

    def __graphc_tensor__(self, dtype: Any = None, hint: Any = None) -> Tensor:
        """What `tf.stack` and every op make of it."""
        if not self.has_parts:
            return convert_to_tensor(list.copy(self), dtype, hint)
        return self.tensor()

    def tensor(self) -> Tensor:
        """The elements stacked along a first axis."""
        rows = self.dense().rows
        if not isinstance(rows, Operators):
            raise StagingError(f"the elements of {self.what} are structures, not tensors")
        return rows  # type: ignore[return-value]

    def length(self) -> Any:
        """How many elements there are: an int, or a tensor i32[]."""
        if self.is_known:
            return len(self.known())
        self.reads += 1
        if self.buffer is not None:
            return self.buffer[1]
        total: Any = 0
        for v in list.__iter__(self):
            if not isinstance(v, Part):
                total = total + 1
            elif v.flags is None:
                total = total + length(nest.flatten(v.rows)[0])
            else:
                total = total + ops.reduce_sum(ops.cast(v.flags, dtype=dtypes.int32))
        return total

    def settled(self) -> Any:
        """The same where its tensors have values: Python's own list."""
        held = list.copy(self)
        if any(isinstance(t, SymbolicTensor) for t in nest.flatten(held)):
            return self
        return self._expanded([v.compact() if isinstance(v, Part) else v for v in held])

    # --- Python's methods ---

    def __getitem__(self, index: Any) -> Any:
        index = _plain_index(index)
        if self.is_known and not isinstance(index, Operators):
            found = self.known()[index]
            return GrowingList(found) if isinstance(index, slice) else found
        if isinstance(index, slice):
            rows = nest.map_structure(lambda t: t[index], self.dense().rows)
            return GrowingList([Part(rows)])
        at = self._place(index)
        return nest.map_structure(lambda t: ops.gather(t, at, axis=0), self._rows())

    def _rows(self) -> Any:
        """Rows among which are the elements, under their numbers."""
        self.reads += 1
        if self.buffer is not None and not isinstance(self.buffer[0], Later):
            return self.buffer[0]
        return self.dense().rows

    def _place(self, index: Any) -> Any:
        """The number of an element that must be there, from the front."""
        count = convert_to_tensor(self.length())
        at = convert_to_tensor(index, dtype_hint=dtypes.int32)
        at = at if at.dtype is dtypes.int32 else ops.cast(at, dtype=dtypes.int32)
        at = ops.select(ops.less(at, 0), ops.add(at, count), at)
        inside = ops.logical_and(ops.greater_equal(at, 0), ops.less(at, count))
        staging.emit_assert(inside, IndexError, [f"{self.what}: index out of range"])
        return at

    def __setitem__(self, index: Any, value: Any) -> None:
        index = _plain_index(index)
        if self.is_known and not isinstance(index, Operators):
            elements = self.known()
            elements[index] = value
            self.hold(elements)
            return
        if isinstance(index, slice):
            raise StagingError(f"{self.what}: a slice is assigned while its length is not known")
        at = self._place(index)
        rows, value = self._rows(), convert_to_tensor(value, dtype_hint=self._dtype())
        self._check(value)
        new = written(rows, at, value, self.what)
        self.hold([Part(new)] if self.buffer is None else (new, self.buffer[1]))

    def _dtype(self) -> Any:
        rows = nest.flatten(self._rows())[0]
        return rows.dtype

    def append(self, value: Any) -> None:
        if self.buffer is None:
            list.append(self, value)
            return
        rows, count = self.buffer
        started = not isinstance(rows, Later)
        element = convert_to_tensor(value, dtype_hint=rows.dtype if started else None)
        if started:
            self._check(element)
        needed = count + 1
        if not self.pushed():
            rows = roomy(rows, needed, element)
        self.hold((written(rows, count, element, self.what), needed))

    def _check(self, element: Tensor) -> None:
        want = self.buffer[0].dtype if self.buffer else self._dtype()
        if element.dtype is not want:
            raise InvalidArgumentError(
                f"{self.what}: its elements are {want.name}, the new one is {element.dtype.name}"
            )

    def extend(self, values: Iterable[Any]) -> None:
        if isinstance(values, GrowingList) and self.buffer is None and values.buffer is None:
            values.reads += 1
            list.extend(self, list.copy(values))
        elif isinstance(values, SymbolicTensor) and not isinstance(values.dims[0], int):
            if self.buffer is not None:
                raise StagingError(f"{self.what} is read and grows by an unknown number in a loop")
            list.append(self, Part(values))
        else:
            for value in list(values):
                self.append(value)

    def __iadd__(self, values: Iterable[Any]) -> GrowingList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __add__(self, other: Any) -> GrowingList:  # type: ignore[override]
        result = self.copy()
        result.extend(other)
        return result

    def __radd__(self, other: Any) -> GrowingList:
        result = GrowingList(other)
        result.extend(self)
        return result

    def copy(self) -> GrowingList:
        self.reads += 1
        result = GrowingList()
        result.hold(self.held())
        return result

    def pop(self, index: Any = -1) -> Any:  # type: ignore[override]
        held = list.copy(self)
        if index == -1 and self.buffer is None and held and not isinstance(held[-1], Part):
            self.hold(held[:-1])
            return held[-1]
        if self.is_known:
            elements = self.known()
            found = elements.pop(index)
            self.hold(elements)
            return found
        if index != -1:
            raise StagingError(f"{self.what}: pop takes the last element while its length is open")
        found = self[-1]
        if self.buffer is not None:
            self.hold((self.buffer[0], self.buffer[1] - 1))
        else:
            self.hold([Part(nest.map_structure(lambda t: t[:-1], self.dense().rows))])
        return found

    def clear(self) -> None:
        self.hold([] if self.buffer is None else (self.buffer[0], 0))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.known("iteration"))

    __len__, __contains__, __eq__ = map(_read, (list.__len__, list.__contains__, list.__eq__))
    __ne__, __lt__, __le__ = map(_read, (list.__ne__, list.__lt__, list.__le__))
    __mul__, __rmul__, __reversed__ = map(_read, (list.__mul__, list.__rmul__, list.__reversed__))
    index, count = _read(list.index), _read(list.count)
    __delitem__, insert, remove = map(_changing, (list.__delitem__, list.insert, list.remove))
    sort, reverse, __imul__ = map(_changing, (list.sort, list.reverse, list.__imul__))
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.known()) if self.is_known else f"<{self.what}, its length is open>"

    def __reduce__(self) -> Any:
        return list, (self.known(),)


def _plain_index(index: Any) -> Any:
    """An index as Python's int where it is known."""
    if not isinstance(index, Operators):
        return index
    known = static_value(index)
    return known if isinstance(known, int) else index


def _same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def opened(value: Any) -> Any:
    """A list of unknown length as the tensor of its elements; anything else as it is."""
    return value.tensor() if isinstance(value, GrowingList) and not value.is_known else value


def display(elements: Any) -> Any:
    """A list that converted code makes: one that can grow, while a graph is traced."""
    staged = current.tracer is not None and type(elements) is list
    return GrowingList(elements) if staged else elements


def stacked(values: Any) -> Tensor | None:
    """The elements of a list in one tensor, if staged code has put elements in."""
    return values.tensor() if isinstance(values, GrowingList) and values.has_parts else None


# --- joining parts --------------------------------------------------------------------------------


def as_part(value: Any) -> Part:
    """An element as rows, of which it is the only one."""
    if isinstance(value, Part):
        return value
    return Part(nest.map_structure(
        lambda v: ops.expand_dims(convert_to_tensor(v), axis=0), value))  # fmt: skip


def joined(held: Sequence[Any], what: str) -> Part:
    """Elements and parts as one part."""
    if not held:
        raise InvalidArgumentError(f"{what} is empty: nothing tells what its elements are")
    parts = [as_part(_like(v, held)) for v in held]
    for other in parts[1:]:
        check_alike(parts[0], other, what)
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(nest.flatten(p.rows) for p in parts), strict=True)
    rows = [ops.concat(*column, axis=0) for column in columns]
    flags = None
    if any(p.flags is not None for p in parts):
        flags = ops.concat(*map(_flags, parts), axis=0)
    return Part(nest.pack_sequence_as(parts[0].rows, rows), flags)


def _like(value: Any, held: Sequence[Any]) -> Any:
    """Python numbers in the dtype of the tensors among the elements."""
    if isinstance(value, Part | Operators):
        return value
    hint = next((v for v in held if isinstance(v, Part | Operators)), None)
    leaf = nest.flatten(hint.rows)[0] if isinstance(hint, Part) else hint
    if leaf is None or nest.is_nested(value):
        return value
    return convert_to_tensor(value, dtype_hint=leaf.dtype)


def _flags(part: Part) -> Tensor:
    if part.flags is not None:
        return part.flags
    return ops.broadcast_to(convert_to_tensor(True), shape=(part.count,))


def check_alike(a: Part, b: Part, what: str) -> None:
    """Refuse elements of two kinds: staged code keeps them as rows of one tensor."""
    if not nest.same_structure(a.rows, b.rows):
        raise StagingError(f"{what} gets elements of two structures: {a.rows!r} and {b.rows!r}")
    for x, y in zip(nest.flatten(a.rows), nest.flatten(b.rows), strict=True):
        same = x.dtype is y.dtype and x.ndim == y.ndim
        if not same or any(
            dims.same(p, q) is False for p, q in zip(x.dims[1:], y.dims[1:], strict=True)
        ):
            raise StagingError(
                f"{what} gets elements of two types, {_element_type(x)} and {_element_type(y)};"
                " elements that staged code adds must have one dtype and shape"
            )


def _element_type(rows: Tensor) -> str:
    return f"{rows.dtype.short}[{', '.join(map(str, rows.dims[1:]))}]"


def only_grows(before: Any, after: Any) -> bool:
    """Whether a list holds what it held, with more at its end."""
    if type(before) is not list or type(after) is not list or len(after) < len(before):
        return False
    return all(a is b for a, b in zip(after, before, strict=False))
