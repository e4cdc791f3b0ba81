"""`@function`: one Python function, a trace for each signature it is called with."""

from __future__ import annotations

import functools
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import autograph, config
from graphc.errors import FallbackWarning, RetraceWarning, SourceNotFoundError
from graphc.function.concrete import ConcreteFunction, trace
from graphc.function.signature import (
    KEYS,
    Binding,
    TensorSpec,
    fit_to_specs,
    key_of,
)
from graphc.ir.graph import Graph
from graphc.runtime.interpreter import GuardError
from graphc.trace import control
from graphc.trace.state import is_own, user_loc
from graphc.trace.tensor import EagerTensor

CACHE_SIZE = 128  # traces a function keeps; the one not used for longest goes first
RETRACE_LIMIT = 5  # more traces than this within twice as many calls earn a warning


@dataclass(frozen=True)
class Retrace:
    """Why a trace was made: arguments that differ from the nearest one before, the caller."""

    number: int
    changes: tuple[tuple[str, str, str], ...]  # path, before, now
    caller: str

    def __str__(self) -> str:
        if not self.changes:
            return f"trace {self.number}: first call at {self.caller}"
        listed = "; ".join(f"{path} was {old}, now {new}" for path, old, new in self.changes)
        return f"trace {self.number}: {listed} (called at {self.caller})"


class Function:
    """A Python function that is staged into graphs (TF: ``tf.function``); see `function`."""

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str | None = None,
        input_signature: Sequence[Any] | None = None,
        autograph: bool = True,
        reduce_retracing: bool = False,
        fallback: str = "warn",
    ) -> None:
        functools.update_wrapper(self, python_function)
        self.python_function = python_function
        self._name = name or getattr(python_function, "__name__", "function")
        self.input_signature = None if input_signature is None else tuple(input_signature)
        self._autograph = autograph
        self._reduce_retracing = reduce_retracing
        self._fallback = fallback
        self._binding = Binding(python_function)
        self._traces: dict[Any, ConcreteFunction] = {}
        self._described: list[dict[str, str]] = []
        self.retraces: list[Retrace] = []
        self._lock = threading.RLock()
        self._created_variables = False
        self._relaxed: list[tuple[tuple[Any, ...], ConcreteFunction]] = []
        self._seen: dict[int, tuple[int | None, ...]] = {}  # shapes of arguments, generalised
        self._bound: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()

    # --- calls ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if config.functions_run_eagerly():
            return self.python_function(*args, **kwargs)
        if not kwargs and self.input_signature is None:
            found = self._traces.get(self._quick_key(args))
            if found is not None:
                try:
                    return found.call_canonical(args, kwargs)
                except GuardError:
                    pass  # sizes that tracing assumed equal are not: trace for these sizes
        return self._call(args, kwargs)

    def _quick_key(self, args: tuple[Any, ...]) -> Any:
        """The key of a call that needs no binding; a miss is found out by the full way."""
        key: list[Any] = []
        for arg in args:
            rule = KEYS.get(type(arg))
            key.append(key_of(arg) if rule is None else rule(arg))
        return tuple(key)

    def _call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        args, kwargs = self._canonical(args, kwargs)
        concrete = self._find(args, kwargs)
        try:
            return concrete.call_canonical(args, kwargs)
        except GuardError:
            return self._find(args, kwargs, exact=True).call_canonical(args, kwargs)

    def _canonical(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict]:
        bound, named = self._binding.canonical(args, kwargs)
        if self.input_signature is None:
            return bound, named
        if named or len(bound) < len(self.input_signature):
            raise TypeError(
                f"{self._name} has an input signature for {len(self.input_signature)} arguments,"
                f" got {len(bound)} and {sorted(named)}"
            )
        fitted = []
        for i, value in enumerate(bound):
            if i >= len(self.input_signature):
                fitted.append(value)
                continue
            spec = self.input_signature[i]
            label = self._binding.names[i] if i < len(self._binding.names) else f"arg{i}"
            fitted.append(fit_to_specs(value, spec, label))
        return tuple(fitted), named

    # --- traces ---

    def _find(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], exact: bool = False
    ) -> ConcreteFunction:
        """The trace for these arguments; makes it if there is none."""
        specs = None if exact else self.input_signature
        key = self._key(args, kwargs, specs)
        if exact:
            key = "exact", key
        found = self._traces.get(key)
        if found is not None:
            return found
        with self._lock:  # one thread traces, the others find its work
            found = self._traces.get(key)
            if found is None and self._reduce_retracing and not exact and not kwargs:
                found = self._find_relaxed(args)
            if found is None:
                found = self._trace(args, kwargs, specs, exact)
            while len(self._traces) >= CACHE_SIZE:
                self._traces.pop(next(iter(self._traces)))
            self._traces[key] = found
            return found

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any], specs: Any) -> Any:
        if specs is not None:
            return "signature", *map(key_of, args[len(specs) :])
        key: Any = tuple(map(key_of, args))
        return (*key, *((k, key_of(kwargs[k])) for k in sorted(kwargs))) if kwargs else key

    def _trace(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], specs: Any, exact: bool
    ) -> ConcreteFunction:
        shown = self._binding.describe(args, kwargs)
        self._note_trace(shown)
        if specs is not None:
            args = (*specs, *args[len(specs) :])
        elif self._reduce_retracing and not exact:
            args = self._generalize(args)
        body = self._body()
        first = not self._created_variables and not self._traces
        names = self._binding.names
        concrete, created = trace(self._name, body, args, kwargs, names, may_create=first)
        if created:
            # Variables exist now: trace again, as every later call will
            self._created_variables = True
            concrete, _ = trace(self._name, body, args, kwargs, names, may_create=False)
        if any(isinstance(a, TensorSpec) for a in args) and specs is None:
            self._relaxed.append((args, concrete))
        return concrete

    def _generalize(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """After a second shape of an argument, its sizes become symbols."""
        relaxed = []
        for i, arg in enumerate(args):
            if isinstance(arg, EagerTensor | np.ndarray):
                shape = tuple(arg.shape)
                before = self._seen.setdefault(i, shape)
                if len(before) == len(shape) and before != shape:
                    dims = [a if a == b else None for a, b in zip(before, shape, strict=True)]
                    self._seen[i] = tuple(dims)
                    arg = TensorSpec(dims, arg.dtype)
            relaxed.append(arg)
        return tuple(relaxed)

    def _find_relaxed(self, args: tuple[Any, ...]) -> ConcreteFunction | None:
        """A trace for symbolic sizes that these arguments fit."""
        for specs, concrete in self._relaxed:
            if len(specs) == len(args) and all(map(_fits, args, specs)):
                return concrete
        return None

    def _body(self) -> Callable[..., Any]:
        """The converted Python function; the original one if it cannot be converted."""
        if not self._autograph:
            return self.python_function
        converted = self.__dict__.get("_converted")
        if converted is None:
            try:
                converted = autograph.convert(self.python_function, control.OPERATORS)
            except SourceNotFoundError as error:
                if self._fallback == "error":
                    raise
                warnings.warn(
                    FallbackWarning(
                        f"{self._name} is traced without AutoGraph ({error}): `if`, `while` and"
                        " `for` on tensors will be refused. Define it in a file or a notebook cell."
                    ),
                    stacklevel=_user_stacklevel(),
                )
                converted = self.python_function
            self._converted = converted
        return converted

    def _note_trace(self, shown: dict[str, str]) -> None:
        """Keep the reason of a trace, and warn when there are too many."""
        changes: tuple[tuple[str, str, str], ...] = ()
        if self._described:
            nearest = min(
                reversed(self._described),
                key=lambda old: (
                    sum(old.get(p) != t for p, t in shown.items()) + abs(len(old) - len(shown))
                ),
            )
            paths = dict.fromkeys((*shown, *nearest))
            changes = tuple(
                (p, nearest.get(p, "absent"), shown.get(p, "absent"))
                for p in paths
                if nearest.get(p) != shown.get(p)
            )
        self._described.append(shown)
        del self._described[:-CACHE_SIZE]
        self.retraces.append(Retrace(len(self.retraces) + 1, changes, str(user_loc() or "?")))
        del self.retraces[:-CACHE_SIZE]
        count = len(self.retraces)
        if count > RETRACE_LIMIT and count % RETRACE_LIMIT == 1 and self.input_signature is None:
            warnings.warn(
                RetraceWarning(
                    f"{self._name} was traced {count} times; last: {self.retraces[-1]}. Pass"
                    " tensors instead of Python numbers, give an input_signature with None for"
                    " sizes that vary, or use"
                    " reduce_retracing=True."
                ),
                stacklevel=_user_stacklevel(),
            )

    # --- stages and inspection ---

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments, or for TensorSpecs of arguments; nothing runs."""
        if self.input_signature is not None and not args and not kwargs:
            args = self.input_signature
        return self._find(*self._canonical(args, kwargs))

    def graph(self, *args: Any, optimized: bool = False, **kwargs: Any) -> Graph:
        """The graph for arguments, as traced or after all passes."""
        found = self.get_concrete_function(*args, **kwargs)
        return found.function.optimized if optimized else found.graph

    @property
    def converted_source(self) -> str:
        """The function as AutoGraph staged it."""
        return autograph.to_code(self.python_function)

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """A report of everything graphc did with this function for these arguments."""
        from graphc.inspect.report import explain  # the layer above, wanted only here

        return explain(self, args, kwargs)

    def _repr_html_(self) -> str:
        from graphc.inspect.html import function_html  # the layer above, wanted only here

        return function_html(self)

    def experimental_get_tracing_count(self) -> int:
        return len(self.retraces)

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        return "\n".join(c.pretty_printed_signature() for c in self._traces.values())

    @property
    def traces(self) -> list[ConcreteFunction]:
        """The traces that are kept."""
        return list(self._traces.values())

    def clear(self) -> None:
        """Forget every trace."""
        with self._lock:
            self._traces.clear()
            self._described.clear()
            self._relaxed.clear()
            self._seen.clear()
            self.retraces.clear()

    # --- methods ---

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        try:
            own = self._bound.get(instance)
            if own is None:
                own = self._bound[instance] = self._bind(weakref.ref(instance))
        except TypeError:  # neither hashable nor weakly referable: kept on the object itself
            held = instance.__dict__.setdefault("_graphc_functions", {})
            own = held.setdefault(self._name, self._bind(lambda: instance))
        return BoundFunction(instance, own)

    def _bind(self, get: Callable[[], Any]) -> Function:
        """This function with its first argument given; it has traces of its own."""
        return Function(
            _Method(self.python_function, get), self._name, self.input_signature, self._autograph,
            self._reduce_retracing, self._fallback,
        )  # fmt: skip

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<graphc.function {self._name}, {len(self._traces)} traces>"


def _fits(arg: Any, spec: Any) -> bool:
    if isinstance(spec, TensorSpec) and isinstance(arg, EagerTensor | np.ndarray):
        return spec.is_compatible_with(TensorSpec(arg.shape, arg.dtype))
    return key_of(arg) == key_of(spec)


def _user_stacklevel() -> int:
    """The stack level of the user's frame, as `warnings.warn` counts from its caller."""
    level, frame = 0, sys._getframe(1)
    while frame is not None and is_own(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level + 1


class BoundFunction:
    """A method that is a function: keeps its object alive, as Python's bound methods do."""

    __slots__ = ("__self__", "function")

    def __init__(self, instance: Any, function: Function) -> None:
        self.__self__, self.function = instance, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __repr__(self) -> str:
        return f"<bound {self.function!r}>"


class _Method:
    """A method of an object that is held weakly: its traces must not keep the object alive."""

    def __init__(self, function: Callable[..., Any], get: Callable[[], Any]) -> None:
        self.__func__, self._get = function, get
        self.__name__ = getattr(function, "__name__", "method")
        self.__doc__ = function.__doc__

    @property
    def __self__(self) -> Any:
        found = self._get()
        if found is None:
            raise ReferenceError(f"the object that {self.__name__} belongs to is gone")
        return found

    @property
    def __signature__(self) -> Any:
        import inspect

        signature = inspect.signature(self.__func__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Sequence[Any] | None = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
    name: str | None = None,
    fallback: str = "warn",
) -> Any:
    """Stage a Python function into a graph that is compiled (TF: ``tf.function``).

    Each combination of argument types is traced once: tensors by dtype and shape, Python values by
    value. ``input_signature`` is a sequence of `TensorSpec`; ``reduce_retracing`` makes sizes
    symbolic once a second one is seen.  ``jit_compile`` and the ``experimental_`` arguments are
    accepted: everything is compiled.
    """

    def decorate(target: Callable[..., Any]) -> Function:
        relaxed = reduce_retracing or bool(experimental_relax_shapes)
        return Function(target, name, input_signature, autograph, relaxed, fallback)

    return decorate if func is None else decorate(func)
