"""GradientTape: note the calls, then sweep back over them.

The same tape serves eager code and traced code: gradients are made by calling ops, which run or
are traced like any other call, so higher orders need nothing of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ops import OpDef, ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor, quiet
from graphc.trace.gradient import accumulate, backward, ones_like, zeros_like
from graphc.trace.state import current, recording
from graphc.trace.tensor import Operators, Tensor


class UnconnectedGradients(Enum):
    """What a gradient is where there is none (TF: ``tf.UnconnectedGradients``)."""

    NONE = "none"
    ZERO = "zero"


# One recorded call: op, inputs, outputs, attributes, node (if traced) and a rule that overrides the
# op's gradient.  No op and no rule: the read of a Variable, which is the input.
Entry = tuple[
    OpDef | None, Sequence[Any], Sequence[Any], Mapping[str, Any], Any, Callable[..., Any] | None
]


class GradientTape:
    """Record operations for automatic differentiation (TF: ``tf.GradientTape``).

    Trainable Variables that are read inside are watched; tensors must be given to `watch`.  A tape
    that is not ``persistent`` can compute one gradient.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed = watch_accessed_variables
        self.paused = False
        self.tracer: Any = None
        self._used = False
        self.reset()

    def reset(self) -> None:
        """Forget everything recorded."""
        self._entries: list[Entry] = []
        self._reached: set[int] = set()  # ids of objects that depend on a watched one
        self._watched: dict[int, Any] = {}

    def __enter__(self) -> GradientTape:
        if self in current.tapes:
            raise ValueError("this tape is already recording")
        self.tracer = current.tracer
        current.enter(current.tracer, (*current.tapes, self))
        return self

    def __exit__(self, *exc: object) -> None:
        self._leave()

    def _leave(self) -> None:
        current.enter(current.tracer, tuple(t for t in current.tapes if t is not self))

    # --- recording ---

    def watch(self, tensor: Any) -> None:
        """Record what is computed from a tensor, or from a nested structure of tensors."""
        for t in nest.flatten(tensor):
            if not isinstance(t, Operators):
                raise ValueError(f"tape.watch takes tensors and Variables, got {t!r}")
            if t.dtype.is_differentiable:
                self._watched[id(t)] = t
                self._reached.add(id(t))

    def notice(self, variable: Any) -> None:
        """A Variable is read."""
        if self.watch_accessed and variable.trainable and not self.paused:
            self._watched[id(variable)] = variable
            self._reached.add(id(variable))

    def depends_on(self, key: Any) -> bool:
        """Whether an object is watched, or computed from something watched."""
        return not self.paused and id(key) in self._reached

    def watched_variables(self) -> tuple[Any, ...]:
        """The Variables watched so far, in order."""
        return tuple(v for v in self._watched.values() if not isinstance(v, Tensor))

    def note(
        self, op: Any, inputs: Any, outputs: Any, attrs: Any, node: Any = None, rule: Any = None
    ) -> None:
        """Keep a call if any of its inputs depends on something watched."""
        reached = self._reached
        for x in inputs:
            if id(x) in reached:
                break
        else:
            return
        if not outputs:
            return
        self._entries.append((op, inputs, outputs, attrs, node, rule))
        for out in outputs:
            if out.dtype.kind in "fc":
                reached.add(id(out))

    def extend(self, first: Any, outputs: Sequence[Any], node: Any) -> None:
        """A noted call has got more results: a loop that now stacks values."""
        for i, (op, inputs, before, _, _, rule) in enumerate(self._entries):
            if before and before[0] is first:
                self._entries[i] = op, inputs, tuple(outputs), node.attrs, node, rule
                self._reached.update(id(t) for t in outputs if t.dtype.is_differentiable)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Record nothing inside."""
        before, self.paused = self.paused, True
        try:
            yield
        finally:
            self.paused = before

    # --- gradients ---

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = "none",
    ) -> Any:
        """The derivative of ``target`` (summed, if several or not scalar) by each of ``sources``.

        Returns the structure of ``sources``; None, or zeros if ``unconnected_gradients='zero'``,
        where the target does not depend on a source.
        """
        self._use()
        zero = wants_zero(unconnected_gradients)
        targets = nest.flatten(target)
        given = _given(target, output_gradients, len(targets))
        wanted = nest.flatten(sources)
        for source in wanted:
            if not isinstance(source, Operators):
                raise ValueError(f"gradient sources are tensors and Variables, got {source!r}")
        if self.persistent or self not in current.tapes:
            found = self._sweep(targets, given, wanted)
        else:
            with recording(tuple(t for t in current.tapes if t is not self)):
                found = self._sweep(targets, given, wanted)
        if zero:
            found = [zeros_like(s) if g is None else g for s, g in zip(wanted, found, strict=True)]
        if not self.persistent:
            self.reset()
        return nest.pack_sequence_as(sources, found)

    def _sweep(self, targets: list[Any], given: list[Any], sources: list[Any]) -> list[Any]:
        seeds: dict[int, Any] = {}
        for t, g in zip(targets, given, strict=True):
            t = t if isinstance(t, Operators) else convert_to_tensor(t)
            if t.dtype.is_differentiable:
                accumulate(seeds, t, ones_like(t) if g is None else convert_to_tensor(g, t.dtype))
        with quiet():
            return backward(self._entries, seeds, sources, self._needed(sources))

    def _needed(self, sources: Sequence[Any]) -> set[int]:
        """The ids of what depends on the sources: only the gradients of these matter."""
        needed = {id(s) for s in sources} & self._reached
        if needed.issuperset(self._watched):
            return self._reached
        for _, inputs, outputs, _, _, _ in self._entries:
            if any(id(x) in needed for x in inputs):
                needed.update(id(out) for out in outputs)
        return needed & self._reached

    def _use(self) -> None:
        if self._used and not self.persistent:
            raise RuntimeError(
                "a non-persistent GradientTape can compute one gradient (or jacobian) only;"
                " use GradientTape(persistent=True)"
            )
        self._used = True

    def jacobian(
        self, target: Any, sources: Any, unconnected_gradients: Any = "none",
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """The derivative of each element of ``target``: shape ``target.shape + source.shape``."""
        self._use()
        y = convert_to_tensor(target)
        flat_sources = nest.flatten(sources)
        if not all(isinstance(d, int) for d in y.dims):
            raise InvalidArgumentError(f"jacobian needs a target of known shape, got {y.shape}")
        count = y.shape.num_elements() or 0
        persistent, self.persistent = self.persistent, True
        try:
            rows = [
                self.gradient(y, flat_sources, _one_hot(y, i), unconnected_gradients)
                for i in range(count)
            ]
        finally:
            self.persistent = persistent
        if not persistent:
            self.reset()
        return nest.pack_sequence_as(
            sources, [_stacked(y, [row[i] for row in rows]) for i in range(len(flat_sources))]
        )

    def batch_jacobian(
        self, target: Any, source: Any, unconnected_gradients: Any = "none",
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """``jacobian`` for each row: shape ``[batch, *target.shape[1:], *source.shape[1:]]``."""
        self._use()
        y = convert_to_tensor(target)
        batch, *rest = y.dims
        persistent, self.persistent = self.persistent, True
        try:
            # rows are independent, so one sweep gives a column of every row's jacobian
            columns = []
            for j in range(_size(rest)):
                seed = _column_seed(y, j)
                columns.append(self.gradient(y, source, seed, "zero"))
        finally:
            self.persistent = persistent
        stacked = ops.stack(*columns, axis=1)
        return ops.reshape(stacked, shape=(batch, *rest, *source.dims[1:]))


def _given(target: Any, output_gradients: Any, count: int) -> list[Any]:
    """A weight for each target; a single target may get numbers, a list or an array."""
    if output_gradients is None:
        return [None] * count
    if not nest.is_nested(target):
        return [output_gradients]
    found: list[Any] = []
    if not nest.is_nested(output_gradients) or len(output_gradients) != len(target):
        raise ValueError(
            f"output_gradients must have the structure of the target, got {output_gradients!r}"
        )
    pairs = zip(nest.children(target), nest.children(output_gradients), strict=True)
    for (_, t), (_, g) in pairs:
        found += _given(t, g, len(nest.flatten(t)))
    return found


def wants_zero(choice: Any) -> bool:
    value = getattr(choice, "value", choice)
    if value not in ("none", "zero"):
        raise ValueError(f"unconnected_gradients is 'none' or 'zero', got {choice!r}")
    return value == "zero"


def _size(dims: Sequence[int]) -> int:
    total = 1
    for d in dims:
        total *= d
    return total


def _one_hot(y: Tensor, index: int) -> Tensor:
    seed = np.zeros(_size(y.dims), y.dtype.np)  # type: ignore[arg-type]
    seed[index] = 1
    return convert_to_tensor(seed.reshape(y.dims))


def _column_seed(y: Tensor, column: int) -> Tensor:
    seed = np.zeros((1, _size(y.dims[1:])), y.dtype.np)  # type: ignore[arg-type]
    seed[0, column] = 1
    row = convert_to_tensor(seed.reshape(1, *y.dims[1:]))
    return ops.broadcast_to(row, shape=y.dims)


def _stacked(y: Tensor, rows: list[Any]) -> Any:
    if not rows or rows[0] is None:
        return None
    return ops.reshape(ops.stack(*rows, axis=0), shape=(*y.dims, *rows[0].dims))
