"""``tf.py_function``, ``tf.numpy_function``: Python code as a step of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.gradient import zeros_like
from graphc.trace.shape import TensorShape
from graphc.trace.state import current, recording
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import Tensor


def py_function(
    func: Callable[..., Any] | None = None, inp: Any = None, Tout: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Call a Python function on eager tensors whenever the program comes here.

    ``Tout`` is a dtype or TensorSpec, or a list of them (then a list is returned).  A program must
    know the number of axes: a result of which only the dtype is declared has those of the first
    tensor in ``inp``, or none.  It is differentiable: its gradient calls ``func`` again, under a
    tape.

    Raises ``InvalidArgumentError`` if ``func`` gives another dtype, shape or number of results;
    exceptions of ``func`` reach the caller as they are.
    """
    return _call("py_function", func, inp, Tout, lambda t: t)


def numpy_function(
    func: Callable[..., Any] | None = None, inp: Any = None, Tout: Any = None,
    stateful: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """Call a Python function on numpy arrays whenever the program comes here; see `py_function`.

    It has no gradient.
    """
    return _call("numpy_function", func, inp, Tout, None)


def _call(who: str, func: Any, inp: Any, tout: Any, unbox: Any) -> Any:
    if not callable(func):
        raise ValueError(f"{who} takes a function, got {func!r}")
    tensors = [convert_to_tensor(t) for t in nest.flatten([] if inp is None else inp)]
    several = isinstance(tout, list | tuple)
    specs = [_Spec(t, tensors) for t in (tout if several else [] if tout is None else [tout])]
    step = _Step(who, func, specs) if unbox else _ArrayStep(who, func, specs)
    if current.tracer is None:
        results = step.eager(*tensors)
    else:
        results = list(ops.py_call(
            *tensors, function=step, dtypes=tuple(s.dtype for s in specs),
            shapes=tuple(s.dims() for s in specs),
        ))  # fmt: skip
    return results if several else results[0] if results else None


class _Spec:
    """What one result is declared to be."""

    def __init__(self, declared: Any, inputs: Sequence[Tensor]) -> None:
        self.dtype = dtypes.as_dtype(getattr(declared, "dtype", declared))
        shape = getattr(declared, "shape", None)
        self.declared = None if shape is None else TensorShape(shape)
        known = self.declared is not None and self.declared.rank is not None
        self.shape = self.declared if known else TensorShape([None] * _rank(inputs))

    def dims(self) -> tuple[Any, ...]:
        tracer = current.tracer
        assert tracer is not None
        return tuple(tracer.fresh_symbol() if d is None else d for d in self.shape.as_list())  # type: ignore

    def check(self, who: str, shape: Sequence[int], traced: bool) -> None:
        """Refuse a result of another shape; eagerly only what was declared counts."""
        wanted = self.shape if traced else self.declared
        if wanted is None or wanted.is_compatible_with(shape):
            return
        told = "" if self.declared is not None else " (as its first input is)"
        raise InvalidArgumentError(
            f"{who} gives shape {tuple(shape)}, expected is {wanted}{told}; declare it:"
            " Tout=tf.TensorSpec(shape, dtype)"
        )


def _rank(inputs: Sequence[Tensor]) -> int:
    return len(inputs[0].dims) if inputs else 0


class _Step:
    """A function on tensors, callable on arrays."""

    def __init__(self, who: str, func: Callable[..., Any], specs: Sequence[_Spec] | None) -> None:
        self.who = f"{who} {getattr(func, '__name__', 'function')!r}"
        self.func, self.specs = func, specs

    def eager(self, *tensors: Any, traced: bool = False) -> list[Tensor]:
        found = self.func(*tensors)
        if self.specs is None:
            return list(found)
        listed = list(found) if isinstance(found, list | tuple) else [found]
        if not self.specs:
            return []
        if len(listed) != len(self.specs):
            raise InvalidArgumentError(
                f"{self.who} gives {len(listed)} results, Tout declares {len(self.specs)}"
            )
        return [self._result(v, s, traced) for v, s in zip(listed, self.specs, strict=True)]

    def _result(self, value: Any, spec: _Spec, traced: bool) -> Tensor:
        if value is None:
            raise InvalidArgumentError(f"{self.who} gives None, Tout declares {spec.dtype.name}")
        typed = isinstance(value, np.ndarray | np.generic)
        t = convert_to_tensor(value, dtype_hint=None if typed else spec.dtype)
        if t.dtype is not spec.dtype:
            raise InvalidArgumentError(
                f"{self.who} gives {t.dtype.name}, Tout declares {spec.dtype.name}"
            )
        spec.check(self.who, t.dims, traced)  # type: ignore[arg-type]
        return t

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        with recording(()):
            given = [convert_to_tensor(a) for a in arrays]
            return [t.numpy() for t in self.eager(*given, traced=True)]  # type: ignore

    def gradient(self, results: int) -> _Step:
        """From the inputs and the gradients of the ``results`` to those of the inputs."""

        def back(*given: Tensor) -> list[Tensor]:
            inputs = [ops.identity(t) for t in given[:-results]]
            smooth = [t for t in inputs if t.dtype.is_differentiable]
            with GradientTape() as tape:
                tape.watch(smooth)
                outputs = self.eager(*inputs)
            pairs = zip(outputs, given[-results:], strict=True)
            chosen = [(o, g) for o, g in pairs if o.dtype.is_differentiable]
            found = tape.gradient([o for o, _ in chosen], smooth, [g for _, g in chosen])
            return [zeros_like(t) if g is None else g for t, g in zip(smooth, found, strict=True)]

        return _Step(f"the gradient of {self.who}", back, None)


class _ArrayStep(_Step):
    """A function on arrays."""

    gradient = None  # type: ignore[assignment]

    def __init__(self, who: str, func: Callable[..., Any], specs: Sequence[_Spec]) -> None:
        super().__init__(who, func, specs)
        self.func = lambda *tensors: func(*(t.numpy() for t in tensors))
