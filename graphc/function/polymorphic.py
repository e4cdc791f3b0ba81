"""`@function`: one Python function, a trace for each signature it is called with."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from graphc import autograph, config
from graphc.errors import FallbackWarning, SourceNotFoundError, StagingError
from graphc.function.concrete import ConcreteFunction, trace
from graphc.function.fallback import Fallback, Fallbacks, WholeFunction, run_as_python
from graphc.function.methods import BoundFunction, Method, Methods
from graphc.function.retrace import History, Retrace, user_stacklevel
from graphc.function.signature import KEYWORDS, NAME, Binding, objects_in, scan, scan_call
from graphc.function.spec import TensorSpec, fit_to_specs, map_arguments, ranked
from graphc.function.traces import GENERAL, Traces, Turn
from graphc.ir.graph import Graph
from graphc.runtime.interpreter import GuardError
from graphc.trace import control
from graphc.trace.state import StepAssigns

CACHE_SIZE = 128  # traces a function keeps; the one not used for longest goes first


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
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self._kind = type(python_function)
        if self._kind in (staticmethod, classmethod):
            python_function = python_function.__func__  # type: ignore[attr-defined]
        functools.update_wrapper(self, python_function)
        self.python_function = python_function
        self._name = name or getattr(python_function, "__name__", "function")
        self.input_signature = None if input_signature is None else tuple(input_signature)
        self._autograph = autograph
        self._reduce_retracing = reduce_retracing
        self._fallback = fallback
        self._python: Fallback | None = None  # why it is not traced at all
        self._binding = Binding(python_function, bound=hasattr(python_function, "__self__"))
        self._arity = self._binding.arity
        self._traces = Traces(cache_size)
        self._fallbacks = Fallbacks(fallback, self._traces.clear)
        self._history = History(cache_size)
        self._turn = Turn()
        self._created_variables = False
        self._methods = Methods()
        _check_signature(self)

    # --- calls ---

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if config.functions_run_eagerly():
            return self.python_function(*args, **kwargs)
        if kwargs or len(args) != self._arity:
            args, kwargs = self._binding.canonical(args, kwargs)
        key: list[Any] = []
        leaves: list[Any] = []
        scan(args, key, leaves)
        if kwargs:
            key += (KEYWORDS, tuple(kwargs))
            scan(kwargs.values(), key, leaves)
        traces = self._traces
        found = traces.quick.get(tuple(key))
        if found is None or (found.captures and found.is_stale):
            return self._call(args, kwargs, tuple(key))
        if found is not traces.latest:
            traces.touch(found)
        try:
            return found.call_flat(leaves)
        except (GuardError, StepAssigns):  # tracing assumed what is not so: trace again
            return self._call(args, kwargs, tuple(key))

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], raw: Any) -> Any:
        """A call that is not known yet, or whose arguments must be converted."""
        args = self._fitted(args, kwargs)
        key, leaves = scan_call(args, kwargs)
        try:
            found = None if self._python is not None else self._find(args, kwargs)
        except WholeFunction as whole:
            self._python = self._fallbacks.note_whole(self.python_function, whole.error)
        if self._python is not None:
            return run_as_python(self.python_function, args, kwargs, self._python)
        try:
            result = found.call_flat(leaves)
        except GuardError:
            found = self._find(args, kwargs, exact=True)
            result = found.call_flat(leaves)
        except StepAssigns:
            return self._call(args, kwargs, raw)
        if key == raw and not any(isinstance(leaf, TensorSpec) for leaf in leaves):
            with self._turn:
                self._traces.shorten(key, found, list(objects_in([args, kwargs])))
        return result

    def _fitted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Bound arguments, those with a spec converted and checked."""
        if self.input_signature is None:
            return args
        labels = self._binding.labels(max(len(args), len(self.input_signature)))
        if len(args) < len(self.input_signature):
            raise TypeError(
                f"{self._name} has an input signature for {len(self.input_signature)} arguments,"
                f" got {len(args)}"
            )
        pairs = zip(args, self.input_signature, labels, strict=False)
        fitted = [fit_to_specs(value, spec, label) for value, spec, label in pairs]
        return (*fitted, *args[len(fitted) :])

    # --- traces ---

    def _find(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], exact: bool = False
    ) -> ConcreteFunction:
        """The trace for these arguments; makes it if there is none."""
        shown = args, kwargs
        if self.input_signature is not None and not exact:
            count = len(self.input_signature)
            specs = map(ranked, self.input_signature, args[:count])
            args = (*specs, *args[count:])
        key, _ = scan_call(args, kwargs)
        with self._turn:  # one thread traces, the others find its work
            found = self._traces.kept.get(key)
            if found is None and not exact:
                found = self._find_general(key, args, kwargs)
            if found is None or found.is_stale:
                found = self._make(key, args, kwargs, shown, exact)
            self._traces.touch(found)
            return found

    def _find_general(
        self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ConcreteFunction | None:
        """A trace for unknown sizes that takes these."""
        if not self._traces.families or NAME in key:
            return None
        family, shapes = self._traces.family(key, list(objects_in([args, kwargs])))
        return family.find(shapes)

    def _make(
        self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any], shown: Any, exact: bool
    ) -> ConcreteFunction:
        """Trace for these arguments, with open sizes where they have changed too often."""
        objects = list(objects_in([args, kwargs]))
        given = args, kwargs
        if self._reduce_retracing and self.input_signature is None and not exact:
            family, shapes = self._traces.family(key, objects)
            given = _opened(given, family.widen(shapes))
            key, _ = scan_call(*given)
        found = self._trace(given, shown)
        self._traces.put(key, found, objects)
        family, shapes = (None, []) if exact else self._traces.family(key, objects)
        if NAME in key or any(None in shape for shape in shapes):
            family.traces = [*family.traces, (shapes, found)][-GENERAL:]
        return found

    def _trace(self, given: Any, shown: Any) -> ConcreteFunction:
        described = self._binding.describe(*shown)
        record = self._history.note(described)
        first = not self._created_variables and not self._traces.kept
        try:
            if self.input_signature is None:
                self._history.warn(self._name, record)
            found, created = self._traced(given, shown, first)
            if created:
                # Variables exist now: trace again, as every later call will
                self._created_variables = True
                found, _ = self._traced(given, shown, False)
        except BaseException:
            self._history.undo(record, described)
            raise
        return found

    def _traced(self, given: Any, shown: Any, may_create: bool) -> tuple[ConcreteFunction, bool]:
        owner = getattr(self.python_function, "__self__", None)

        def attempt(host: Any) -> Any:
            self.__dict__.pop("_converted", None)  # parts of it may be Python's by now
            how = self._name, self._body(), given, self._binding
            return trace(*how, may_create=may_create, owner=owner, host=host)

        if self._fallback == "error" or not self._autograph:
            return attempt(None)
        return self._fallbacks.trace(attempt, scan_call(*shown)[1])

    def _body(self) -> Callable[..., Any]:
        """The converted Python function; the original one if it cannot be converted."""
        if not self._autograph or isinstance(self.python_function, Function | BoundFunction):
            return self.python_function
        converted = self.__dict__.get("_converted")
        if converted is None:
            self._check_runs_through()
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
                    stacklevel=user_stacklevel(),
                )
                converted = self.python_function
            self._converted = converted
        return converted

    def _check_runs_through(self) -> None:
        """Generators and coroutines run piece by piece, when there is no trace any more."""
        function = self.python_function
        pieces = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        if not pieces and not inspect.iscoroutinefunction(function):
            return
        error = StagingError(
            f"{self._name} is a {'generator' if pieces else 'coroutine'}: it runs piece by piece"
            " and cannot be traced; trace the function that it calls for each piece"
        )
        raise error if self._fallback == "error" else WholeFunction(error)

    # --- stages and inspection ---

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments, or for TensorSpecs of arguments; nothing runs."""
        if self.input_signature is not None and not args and not kwargs:
            args = self.input_signature
        args, kwargs = self._binding.canonical(args, kwargs)
        try:
            return self._find(self._fitted(args, kwargs), kwargs)
        except WholeFunction as whole:
            raise whole.error from None

    def graph(self, *args: Any, optimized: bool = False, **kwargs: Any) -> Graph:
        """The graph for arguments, as traced or after all passes."""
        found = self.get_concrete_function(*args, **kwargs)
        return found.function.optimized if optimized else found.graph

    @property
    def name(self) -> str:
        return self._name

    @property
    def function_spec(self) -> Binding:
        """How calls are bound: ``signature``, ``arg_names``."""
        return self._binding

    @property
    def converted_source(self) -> str:
        """The function as AutoGraph staged it."""
        return autograph.to_code(self.python_function)

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """A report of everything graphc did with this function for these arguments."""
        return _inspect("report:explain")(self, args, kwargs)

    def probe(self, *args: Any, **kwargs: Any) -> Any:
        """What every node holds for these arguments, and the first NaN or infinity, if any."""
        return _inspect("values:probe")(self, args, kwargs)

    def profile(self, *args: Any, **kwargs: Any) -> Any:
        """Where the time of a call goes: lines, nodes, kernels. Variables keep their values."""
        return _inspect("profile:profile")(self, args, kwargs)

    def diff(self, before: int = -2, after: int = -1) -> Any:
        """What differs between the graphs of two traces: by default the last two."""
        return _inspect("diff:diff_traces")(self, before, after)

    def _repr_html_(self) -> str:
        return _inspect("html:function_html")(self)

    def experimental_get_tracing_count(self) -> int:
        return self._history.count

    @property
    def fallbacks(self) -> list[Fallback]:
        """The statements that run as Python on every call, and why."""
        return list(self._fallbacks.records.values())

    @property
    def retraces(self) -> list[Retrace]:
        """Why the last traces were made."""
        return list(self._history.records)

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        return "\n".join(c.pretty_printed_signature() for c in self.traces)

    @property
    def traces(self) -> list[ConcreteFunction]:
        """The traces that are kept, the one used last at the end."""
        return list(self._traces.kept.values())

    def clear(self) -> None:
        """Forget every trace."""
        with self._turn:
            self._traces.clear()
            self._history = History(self._traces.size)

    # --- methods and copies ---

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if self._kind is classmethod:
            instance = owner
        elif instance is None or self._kind is staticmethod:
            return self
        own = self._methods.get(instance)
        if own is None:
            own = self._methods.make(instance, self._bind)
        return BoundFunction(instance, own)

    def _bind(self, get: Callable[[], Any]) -> Function:
        """This function with its first argument given; it has traces of its own."""
        return self._twin(Method(self.python_function, get))

    def _twin(self, python_function: Callable[..., Any]) -> Function:
        """The same options for another Python function."""
        return Function(
            python_function, self._name, self.input_signature, self._autograph,
            self._reduce_retracing, self._fallback, self._traces.size,
        )  # fmt: skip

    def __copy__(self) -> Function:
        return self._twin(self.python_function)

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        return self._twin(copy.deepcopy(self.python_function, memo))

    def __reduce__(self) -> Any:
        """Pickled by name where it stands for its Python function, else with it."""
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, part, None)
        if found is self:
            return self.__qualname__
        if getattr(found, "__func__", None) is not None and not hasattr(self, "__self__"):
            raise pickle.PicklingError(f"{self!r} cannot be pickled: it is not found by its name")
        return _remake, (
            self.python_function, self._name, self.input_signature, self._autograph,
            self._reduce_retracing, self._fallback, self._traces.size,
        )  # fmt: skip

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<graphc.function {self._name}, {len(self._traces.kept)} traces>"


def _inspect(name: str) -> Callable[..., Any]:
    """A tool of the layer above, loaded when it is asked for: start-up time."""
    module, _, tool = name.partition(":")
    return getattr(import_module(f"graphc.inspect.{module}"), tool)


def _remake(*options: Any) -> Function:
    return Function(*options)


def _check_signature(function: Function) -> None:
    """An input signature must not ask for more arguments than there are."""
    binding, specs = function._binding, function.input_signature
    takes_more = any(p.kind is p.VAR_POSITIONAL for p in binding.signature.parameters.values())
    if specs is not None and len(specs) > len(binding.positional) and not takes_more:
        raise TypeError(
            f"the input signature of {function.name} has {len(specs)} entries, but it takes"
            f" {len(binding.positional)} positional arguments"
        )


def _opened(given: tuple[Any, Any], shapes: list[tuple[Any, ...]]) -> tuple[Any, Any]:
    """Arguments with a TensorSpec where a size is left open."""
    source = iter(shapes)

    def leaf(value: Any) -> Any:
        shape = next(source)
        if None not in shape:
            return value
        return TensorSpec(shape, value.dtype)

    args, kwargs = given
    return (
        tuple(map_arguments(a, leaf) for a in args),
        {k: map_arguments(a, leaf) for k, a in kwargs.items()},
    )


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
    cache_size: int = CACHE_SIZE,
) -> Any:
    """Stage a Python function into a graph that is compiled (TF: ``tf.function``).

    Each combination of argument types is traced once: tensors by dtype and shape, Python values by
    type and value, objects by identity. ``input_signature`` is a sequence of `TensorSpec`;
    ``reduce_retracing`` makes sizes symbolic once a second one is seen. ``cache_size`` traces are
    kept, then the one not used for longest goes. ``jit_compile`` and the ``experimental_``
    arguments are accepted: everything is compiled.
    """

    def decorate(target: Callable[..., Any]) -> Function:
        relaxed = reduce_retracing or bool(experimental_relax_shapes)
        return Function(target, name, input_signature, autograph, relaxed, fallback, cache_size)

    return decorate if func is None else decorate(func)
