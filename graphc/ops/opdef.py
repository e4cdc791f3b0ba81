"""What an operation is: one ``OpDef`` entry with everything about it, kept in one registry.

An op is called like a function.  What the call does is decided by the dispatcher that the layer
above installs (`install_dispatch`): eager arrays, recording into a graph, pattern matching.  So
type rules, gradients and rewrite rules are all written in the same notation, and this layer knows
nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir.dtypes import ANY, DType
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType

Types = Sequence[TensorType]
Attrs = Mapping[str, Any]
Arrays = Sequence[np.ndarray]


# --- how an op becomes code -----------------------------------------------------------------------


@dataclass(frozen=True)
class Scalar:
    """One element from one element of each operand: an expression template; fusible.

    ``{x}`` is an operand's element, ``{T}`` the result's cast (``f32``), ``{t}`` its suffix for the
    vector maths (``exp_{t}``), ``{S}``/``{s}`` the same of the first operand, ``{attr:name}`` a
    literal.
    """

    text: str


@dataclass(frozen=True)
class Reduce:
    """A reduction over the axes in ``attrs['axis']``: start value, step and an optional finish.

    ``{acc}`` and ``{x}`` are the accumulator and an element, ``{n}`` the number of elements.
    """

    start: str
    step: str
    finish: str = "{acc}"


@dataclass(frozen=True)
class Index:
    """The result's element at an output index is an operand's element at another index.

    Transposes, slices, broadcasts and reshapes are such; they fuse without a copy.
    """

    kind: str


@dataclass(frozen=True)
class Library:
    """A hand-written kernel of the runtime, by name (gemm, gather, ...)."""

    name: str


@dataclass(frozen=True)
class Host:
    """Runs its numpy rule on the host; the reason is shown in reports."""

    reason: str


Lowering = Scalar | Reduce | Index | Library | Host


# --- the context a gradient rule sees -------------------------------------------------------------


class GradContext:
    """One recorded call: operands by name (``c.x``), results (``c.out``), attributes by name."""

    __slots__ = ("op", "inputs", "outputs", "attrs", "regions", "node", "needed")

    def __init__(
        self,
        op: OpDef,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        attrs: Attrs,
        node: Any = None,
        needed: Sequence[bool] = (),
    ) -> None:
        self.op, self.inputs, self.outputs, self.attrs = op, inputs, outputs, attrs
        self.node = node
        self.needed = needed or (True,) * len(inputs)  # whose gradients somebody wants

    @property
    def out(self) -> Any:
        return self.outputs[0]

    def __getattr__(self, name: str) -> Any:
        op = object.__getattribute__(self, "op")
        if name in op.operands:
            return self.inputs[op.operands.index(name)]
        try:
            return self.attrs[name]
        except KeyError:
            raise AttributeError(f"{op.name} has no operand or attribute {name!r}") from None


@dataclass(frozen=True)
class Sample:
    """Arguments on which the registry-walking test tries an op."""

    args: tuple[Any, ...]
    attrs: Attrs = field(default_factory=dict)
    grad: bool = True  # gradient is checked here (False at kinks and for integers)
    exact: bool = False  # the compiled result must be bit-equal


Gradient = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class OpDef:
    """One operation: type rule, numpy meaning, gradient, lowering, samples, properties."""

    name: str
    operands: tuple[str, ...]
    type_rule: Callable[..., Any]  # (types, attrs[, regions]) -> TensorType or a tuple of them
    eager: Callable[..., Any]  # (*arrays, **attrs) -> array or tuple of arrays
    grad: Gradient | None = None
    no_grad: str = ""  # why there is no gradient
    lower: Lowering | None = None
    attrs: Attrs = field(default_factory=dict)  # names with defaults; REQUIRED where there is none
    samples: Callable[[], Iterable[Sample]] | None = None
    dtypes: frozenset[DType] = ANY  # of the operands that share one dtype
    doc: str = ""
    variadic: bool = False  # the last operand may repeat
    many: bool = False  # several results
    effect: bool = False  # must run, in program order
    elementwise: bool = False
    commutative: bool = False
    can_fail: bool = False  # may raise at run time, depending on values
    host_only: bool = False
    expensive: bool = False  # not to be duplicated into its users
    wide: bool = False  # operands may differ in dtype (select, gather, cast...)

    @cached_property
    def numpy_checks(self) -> bool:
        """Whether numpy refuses all that the type rule refuses, but for dtypes."""
        checked = self.elementwise or isinstance(self.lower, Reduce)
        return checked and not self.wide and not self.variadic and bool(self.operands)

    @cached_property
    def numpy_dtypes(self) -> frozenset[np.dtype]:
        """The dtypes it takes, as numpy's (bfloat16 always takes the full check)."""
        return frozenset(d.np for d in self.dtypes if d.name != "bfloat16")

    def infer(self, types: Types, attrs: Attrs, regions: Mapping[str, Graph]) -> tuple[Any, ...]:
        """Result types; raises ``InvalidArgumentError`` (shapes) or ``DTypeError``."""
        if not self.variadic and len(types) != len(self.operands):
            raise InvalidArgumentError(
                f"{self.name} takes {len(self.operands)} operands ({', '.join(self.operands)}),"
                f" got {len(types)}"
            )
        if not self.wide:
            self._check_dtypes(types)
        if len(attrs) < len(self.attrs):
            attrs = {**self.attrs, **attrs}
        if regions:
            found = self.type_rule(types, attrs, regions)
        else:
            found = self.type_rule(types, attrs)
        return found if isinstance(found, tuple) else (found,)

    def _check_dtypes(self, types: Types) -> None:
        if not types:
            return
        first = types[0].dtype
        for type in types:
            if type.dtype is not first:
                listed = " and ".join(str(t) for t in types)
                raise DTypeError(
                    f"{self.name}: operands must have one dtype, got {listed}"
                    f" ({types[0].dtype.name} and {type.dtype.name}); convert one with tf.cast"
                )
        if first not in self.dtypes:
            known = ", ".join(sorted(d.name for d in self.dtypes))
            raise DTypeError(f"{self.name} is not defined for {first.name}; it takes {known}")

    def __call__(self, *args: Any, **attrs: Any) -> Any:
        return _dispatch(self, args, attrs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


REQUIRED = object()
REGISTRY: dict[str, OpDef] = {}


def register(op: OpDef) -> OpDef:
    """Enter an op into the registry; names are unique."""
    if op.name in REGISTRY:
        raise ValueError(f"there are two ops called {op.name}")
    REGISTRY[op.name] = op
    return op


def _no_dispatch(op: OpDef, args: Sequence[Any], attrs: Attrs) -> Any:
    raise RuntimeError("no dispatcher is installed: import graphc, not graphc.ops alone")


_dispatch: Callable[[OpDef, Sequence[Any], Attrs], Any] = _no_dispatch


def install_dispatch(apply: Callable[[OpDef, Sequence[Any], Attrs], Any]) -> None:
    """Set what happens when an op is called (once, by the layer that owns tensors)."""
    global _dispatch
    _dispatch = apply
