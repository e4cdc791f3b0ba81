"""Signatures: which trace a call belongs to.

Tensors count by dtype and shape, Python values by type and value, Variables and other objects by
identity. `scan` writes all that in one flat list of pairs, for it is done at each call.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import MethodType
from typing import Any

import numpy as np

from graphc.function.spec import TensorSpec, show_leaf
from graphc.ir.dtypes import BY_NUMPY, DType
from graphc.trace import nest
from graphc.trace.convert import to_array
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import EagerTensor, Reference, SymbolicTensor
from graphc.trace.tensor_array import TensorArray
from graphc.trace.variable import Variable

OBJECT = "object"  # (OBJECT, id): whoever keeps such a key must forget it when the object dies
KEYWORDS = "keywords"
NAME = "name"  # (NAME, name): of a TensorSpec, before its shape

Rule = Callable[[Any, list[Any], list[Any]], None]

# --- keys -----------------------------------------------------------------------------------------


def scan(values: Iterable[Any], key: list[Any], leaves: list[Any]) -> None:
    """Append to ``key`` what tells calls apart, in pairs, and the tensors to ``leaves``."""
    for value in values:
        kind = type(value)
        if kind is EagerTensor:
            array = value._array
            key.append(array.dtype)
            key.append(array.shape)
            leaves.append(value)
        elif kind is tuple or kind is list:
            key.append(kind)
            key.append(len(value))
            scan(value, key, leaves)
        elif kind is dict:
            key.append(kind)
            key.append(tuple(value))
            scan(value.values(), key, leaves)
        else:
            rule = RULES.get(kind)
            if rule is None:
                rule = _learn(kind)
            rule(value, key, leaves)


def scan_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """The key of a call and its tensors."""
    key: list[Any] = []
    leaves: list[Any] = []
    scan(args, key, leaves)
    if kwargs:
        key += (KEYWORDS, tuple(kwargs))
        scan(kwargs.values(), key, leaves)
    return tuple(key), leaves


def _tensor(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (value._array.dtype, value._array.shape)
    leaves.append(value)


def _symbol(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (value.dtype.np, value.dims)
    leaves.append(value)


def _spec(value: Any, key: list[Any], leaves: list[Any]) -> None:
    if value.name:
        key += (NAME, value.name)
    key += (value.dtype.np, None if value.shape is None else tuple(value.shape))
    leaves.append(value)


def _array(value: Any, key: list[Any], leaves: list[Any]) -> None:
    if value.dtype not in BY_NUMPY or value.dtype == object or type(value) is not np.ndarray:
        value = to_array(value)
    _tensor(EagerTensor(value), key, leaves)


def _value(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (type(value), value)


def _float(value: Any, key: list[Any], leaves: list[Any]) -> None:
    # repr tells -0.0 and 0.0 apart and makes nan equal to itself
    key += (type(value), value if value and value == value else repr(value))


def _complex(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (complex, repr(value))


def _slice(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (slice, None)
    scan((value.start, value.stop, value.step), key, leaves)


def _object(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (OBJECT, id(value))


def _method(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (MethodType, None)
    key += (OBJECT, id(value.__self__), OBJECT, id(value.__func__))


def _variable(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (Variable, value.key)


def _tensor_array(value: Any, key: list[Any], leaves: list[Any]) -> None:
    """By identity and state: a trace holds the elements as they were."""
    key += (OBJECT, id(value), TensorArray, value.changes)


def _set(value: Any, key: list[Any], leaves: list[Any]) -> None:
    """By value, as long as there are but plain values in it."""
    if all(RULES.get(type(member)) in (_value, _float) for member in value):
        key += (type(value), frozenset((type(member), repr(member)) for member in value))
    else:
        _object(value, key, leaves)


def _sequence(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (type(value), len(value))
    scan(value, key, leaves)


def _mapping(value: Any, key: list[Any], leaves: list[Any]) -> None:
    key += (type(value), tuple(value))
    scan(value.values(), key, leaves)


def _record(value: Any, key: list[Any], leaves: list[Any]) -> None:
    names, children = [], []
    for name, child in nest.children(value):
        names.append(name)
        children.append(child)
    key += (type(value), tuple(names))
    scan(children, key, leaves)


_BASE: dict[type, Rule] = {
    SymbolicTensor: _symbol,
    Variable: _variable,
    TensorSpec: _spec,
    np.ndarray: _array,
    float: _float,
    complex: _complex,
    set: _set,
    frozenset: _set,
    slice: _slice,
    MethodType: _method,
    TensorArray: _tensor_array,
    **dict.fromkeys(
        (int, bool, str, bytes, type(None), type(...), range, DType, TensorShape, Reference), _value
    ),
}
RULES = dict(_BASE)
LEARNT = 1000  # other types whose rules are remembered


def _learn(kind: type) -> Rule:
    """The rule of a type that is met for the first time."""
    if len(RULES) >= LEARNT:
        RULES.clear()
        RULES.update(_BASE)
    rule = RULES[kind] = _rule_for(kind)
    return rule


def _rule_for(kind: type) -> Rule:
    for base, rule in (
        (EagerTensor, _tensor), (SymbolicTensor, _symbol), (Variable, _variable),
        (np.generic, _array), (np.ndarray, _array), (np.dtype, _value), (TensorShape, _value),
        (DType, _value), (type, _object),
    ):  # fmt: skip
        if issubclass(kind, base):
            return rule
    if hasattr(kind, "__graphc_children__"):
        return _record
    if hasattr(kind, "__self__") and hasattr(kind, "__func__"):
        return _method
    if issubclass(kind, list | tuple):
        return _sequence
    if issubclass(kind, Mapping):
        return _mapping
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__"):
        return _record
    return _object


def objects_in(values: Any) -> Iterator[Any]:
    """The objects that a key may hold the identity of."""
    for leaf in nest.flatten(values):
        yield leaf
        if RULES.get(type(leaf)) is _method:
            yield leaf.__self__
            yield leaf.__func__


def is_weak_object(value: Any) -> bool:
    """Whether it counts by identity, and can be known without being kept alive."""
    return type(value).__weakrefoffset__ > 0 and scan_call([value], {})[0][0] is OBJECT


class Kept:
    """What a trace remembers of a Python value: of an object no more than which one it was."""

    def __init__(self, value: Any) -> None:
        self.shown = show_leaf(value)
        self.key = scan_call([value], {})[0]
        self._value: Callable[[], Any] = lambda: value
        self._whole = OBJECT not in self.key
        if not self._whole:
            try:
                self._value = weakref.ref(value)
            except TypeError:  # a key is all there is
                self._value = lambda: None

    @property
    def value(self) -> Any:
        """The value; None for an object that is gone."""
        return self._value()

    def is_same(self, value: Any) -> bool:
        mine = self.value
        known = self._whole or mine is None or isinstance(value, MethodType) or mine is value
        return known and scan_call([value], {})[0] == self.key

    def __repr__(self) -> str:
        return repr(self.value) if self._whole else f"<{self.shown.removesuffix(' object')}>"


def family_of(key: Sequence[Any]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The key with ranks instead of shapes and without names, and the shapes."""
    family: list[Any] = []
    shapes = []
    for kind, value in zip(key[::2], key[1::2], strict=True):
        if isinstance(kind, np.dtype) and value is not None:
            shapes.append(value)
            family += (kind, len(value))
        elif kind is not NAME:
            family += (kind, value)
    return tuple(family), shapes


# --- binding --------------------------------------------------------------------------------------


class _Given:
    """An argument's place in a call: its number, positional ones first."""

    def __init__(self, at: int) -> None:
        self.at = at


def _picker(places: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Take the values at these places; as quickly as can be."""
    if len(places) > 1:
        return itemgetter(*places)
    return (lambda values: (values[places[0]],)) if places else (lambda values: ())


class Binding:
    """How calls of one Python function are bound: defaults filled in, keywords in their places.

    ``signature`` is Python's; ``arg_names`` are the parameters in order.
    """

    def __init__(self, function: Callable[..., Any], bound: bool = False) -> None:
        self.signature = inspect.signature(function)
        self._title = getattr(function, "__qualname__", "function")
        self._bound = bound
        parameters = list(self.signature.parameters.values())
        plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.simple = all(p.kind in plain for p in parameters)
        self.arity = len(parameters) if self.simple else -1  # of calls that need no binding
        self.arg_names = [p.name for p in parameters]
        self.positional = [p.name for p in parameters if p.kind in plain]
        self._plans: dict[Any, Any] = {}

    def canonical(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments with defaults applied; positional ones as far as possible."""
        if not kwargs and len(args) == self.arity:
            return tuple(args), {}
        form = (len(args), *kwargs) if kwargs else len(args)
        plan = self._plans.get(form)
        if plan is None:
            plan = self._plan(args, kwargs)
            if len(self._plans) < 100:
                self._plans[form] = plan
        first, names, named, defaults = plan
        values = (*args, *kwargs.values(), *defaults)
        return first(values), dict(zip(names, named(values), strict=True)) if names else {}

    def _plan(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Where the canonical arguments of such a call come from."""
        count = len(args)
        numbers = zip(kwargs, map(_Given, range(count, count + len(kwargs))), strict=True)
        try:
            bound = self.signature.bind(*map(_Given, range(count)), **dict(numbers))
        except TypeError:
            self._refuse(args, kwargs)
            raise  # the stub took what the signature does not: keep its words
        bound.apply_defaults()
        defaults: list[Any] = []

        def place(value: Any) -> int:
            if type(value) is _Given:
                return value.at
            defaults.append(value)
            return count + len(kwargs) + len(defaults) - 1

        first = _picker([place(v) for v in bound.args])
        named = _picker([place(v) for v in bound.kwargs.values()])
        return first, tuple(bound.kwargs), named, tuple(defaults)

    def _refuse(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Call a function of the same parameters, for Python to refuse in its own words."""
        parameters = [
            p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
            for p in self.signature.parameters.values()
        ]
        if self._bound:  # Python counts `self`
            positional = inspect.Parameter.POSITIONAL_ONLY
            names = {p.name for p in parameters}
            owner = next(n for n in ("self", "self_", "self__") if n not in names)
            parameters.insert(0, inspect.Parameter(owner, positional))
        scope: dict[str, Any] = {}
        exec(f"def stub{inspect.Signature(parameters)}: pass", scope)
        scope["stub"].__qualname__ = scope["stub"].__name__ = self._title
        scope["stub"](*((None, *args) if self._bound else args), **kwargs)

    def describe(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, str]:
        """For each leaf, its path in the call and its type: what a retrace report shows."""
        found = {}
        for name, value in [*zip(self.labels(len(args)), args, strict=True), *kwargs.items()]:
            for path, leaf in nest.flatten_with_paths(value, name):
                found[path] = show_leaf(leaf)
        return found

    def labels(self, count: int) -> list[str]:
        """Names of the first arguments; those of ``*args`` are numbered."""
        named = self.positional[:count]
        return named + [f"arg{i}" for i in range(len(named), count)]
