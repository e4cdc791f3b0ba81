"""Functions that a dataset calls on its elements: traced once, run on rows or on whole blocks.

A traced function first runs in the reference interpreter, which needs no compiler: most datasets
of a test or an example never get further.  One that takes longer is compiled.  On a block it runs
once, lifted to one axis more (`lift`), where that is provably the same.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.lift import lifted
from graphc.data.readers import Columns
from graphc.data.structure import (
    OUTLINE,
    DatasetSpec,
    NoneTensorSpec,
    Row,
    as_row,
    component,
    flatten,
    is_fixed,
    map_components,
    pack,
    packer,
    spec_of,
    with_rank,
    without_rank,
)
from graphc.errors import FallbackWarning, StagingError, SymbolicValueError
from graphc.function.graph_function import GraphFunction
from graphc.runtime.interpreter import evaluate
from graphc.trace.control import OPERATORS
from graphc.trace.state import current, recording, tracing

RANKS = 5  # tried for a component whose rank is not known
PATIENCE = 0.2  # seconds in the interpreter before a function is compiled


class Program:
    """A graph that is interpreted until that has taken long enough to compile it."""

    def __init__(self, function: GraphFunction) -> None:
        self.function = function
        self._spent = 0.0 if not function.graph.state else PATIENCE

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self._spent >= PATIENCE:
            return self.function.run(list(arrays))
        start = time.perf_counter()
        results = evaluate(self.function.graph, arrays)
        self._spent += time.perf_counter() - start
        return results


class Call:
    """A user's function of elements; ``spec`` is the structure of types of what it gives.

    ``dataset`` makes a dataset for the user of the type of one, to trace with; ``example`` gives a
    row for a function that only Python can run.
    """

    def __init__(
        self, function: Callable[..., Any], spec: Any, dataset: Callable[[Any], Any],
        example: Callable[[], Row | None],
    ) -> None:  # fmt: skip
        if not callable(function):
            raise ValueError(
                f"Argument `func` must be a callable. Received func={function!r}"
                f" (of type {type(function)})"
            )
        self.function, self.given = function, spec
        self._dataset = dataset
        self._element = packer(spec)
        self._structure: Any = None
        self._program: Program | None = None
        self.spec = self._find_spec(example)

    # --- tracing ---

    def _find_spec(self, example: Callable[[], Row | None]) -> Any:
        try:
            if all(
                s.shape is not None for s in flatten(self.given) if isinstance(s, tf.TensorSpec)
            ):
                return self._trace(self.given)
            return self._of_unknown_rank()
        except (SymbolicValueError, StagingError) as error:
            if current.tracer is not None:
                raise
            self._warn(error)
            row = example()
            if row is None:  # nothing to call it with: no element will ever have a type
                return self.given
            found = self._by_python(row)
            return map_components(spec_of, pack(self._structure, found))

    def _of_unknown_rank(self) -> Any:
        """The dtypes of what it gives, found with the first rank that it takes."""
        error: Exception | None = None
        for rank in range(RANKS):
            try:
                found = self._trace(map_components(partial(with_rank, rank=rank), self.given))
            except (ValueError, TypeError) as refused:
                error = error or refused
            else:
                self._program = None
                return map_components(without_rank, found)
        assert error is not None
        raise error

    def _warn(self, error: Exception) -> None:
        code = getattr(self.function, "__code__", None)
        place = (code.co_filename, code.co_firstlineno) if code else ("?", 0)
        text = f"{place[0]}:{place[1]}: this function runs as Python on every element: {error}"
        warnings.warn_explicit(FallbackWarning(text), None, *place)

    def _trace(self, spec: Any) -> Any:
        call = OPERATORS.fn(self.function)

        def traced(*tensors: Any) -> Any:
            given = iter(tensors)
            made = [self._placeholder(s, given) for s in flatten(spec)]
            self._structure = structured(self._apply(call, pack(spec, made)))
            leaves = flatten(self._structure)
            self._structure = map_components(spec_of, self._structure)
            return [t for t in leaves if isinstance(t, tf.Tensor)]

        tf.autograph.experimental.do_not_convert(traced)  # it is graphc's; `call` is converted
        traced.__name__ = traced.__qualname__ = getattr(self.function, "__name__", "function")
        specs = [s for s in flatten(spec) if isinstance(s, tf.TensorSpec)]
        outer, OUTLINE.on = OUTLINE.on, True
        try:
            concrete = tf.function(traced).get_concrete_function(*specs)
        finally:
            OUTLINE.on = outer
        leaves = flatten(self._structure)
        kinds = {type(s) for s in (*leaves, *flatten(self.given))}
        if concrete.captures and not outer:
            raise SymbolicValueError("it uses a tensor of the function around it")
        if kinds <= {tf.TensorSpec, NoneTensorSpec}:
            self._program = Program(concrete.function)
        return self._structure

    def _placeholder(self, spec: Any, tensors: Any) -> Any:
        if isinstance(spec, DatasetSpec):
            return self._dataset(spec)
        return None if isinstance(spec, NoneTensorSpec) else next(tensors)

    def _apply(self, function: Callable[..., Any], element: Any) -> Any:
        return function(*element) if type(element) is tuple else function(element)

    # --- rows ---

    def __call__(self, row: Row) -> Row:
        """A row of what the function gives for a row."""
        if self._program is None:
            return as_row(self._by_python(row))
        return self._program(row)

    def _by_python(self, row: Row) -> list[Any]:
        with tracing(None), recording(()):
            result = structured(self._apply(self.function, self._element(row)))
        self._structure = map_components(spec_of, result)
        return flatten(result)

    # --- blocks ---

    @property
    def cuts(self) -> bool:
        """Whether it can run on blocks."""
        return self._block is not None

    @cached_property
    def _block(self) -> Program | None:
        simple = self._program is not None and is_fixed(self.given) and is_fixed(self.spec)
        function = lifted(self._program.function.graph) if simple else None
        return None if function is None else Program(function)

    def block(self, columns: Columns) -> Columns:
        """The columns of what it gives for columns."""
        assert self._block is not None
        return self._block(columns)


def structured(result: Any) -> Any:
    """What a function gives, as an element; lists at its top are tuples (TF does the same)."""
    if isinstance(result, list):
        result = tuple(result)
    return map_components(component, result)
