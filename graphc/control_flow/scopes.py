"""``tf.name_scope``, ``tf.control_dependencies``, ``tf.group``, ``tf.no_op``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from graphc.trace.state import current


class name_scope:
    """A scope for names: ``with tf.name_scope("layer") as scope`` (TF: ``tf.name_scope``).

    ``scope`` is the full name with a final slash; scopes nest.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValueError(f"name_scope takes a string, got {name!r}")
        self._name = name
        self._before: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    def __enter__(self) -> str:
        self._before.append(current.scope)
        inner = self._name if self._name.endswith("/") else f"{current.scope}{self._name}/"
        current.scope = inner if self._name else ""
        return current.scope

    def __exit__(self, *exc: object) -> None:
        current.scope = self._before.pop()


def _static() -> Any:
    """The graph of tf.compat.v1 that is being built, if any: its parts run when they are asked."""
    tracer = current.tracer
    return tracer.root if tracer is not None and tracer.root.static else None


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Run ``control_inputs`` before what is made inside.

    Programs keep the order of effects by themselves; only in a graph of tf.compat.v1, whose parts
    run when they are asked for, this changes something.
    """
    before = [] if control_inputs is None else list(control_inputs)
    for i, each in enumerate(before):
        if isinstance(each, Callable) and not hasattr(each, "dtype"):  # type: ignore[arg-type]
            before[i] = each()
    graph = _static()
    with nullcontext() if graph is None else graph.after(before if control_inputs else None):
        yield


def group(*inputs: Any, name: str | None = None) -> Any:
    """An operation that runs all inputs; nothing outside of tf.compat.v1's graphs."""
    graph = _static()
    return None if graph is None else graph.operation(inputs, name or "group_deps")


def no_op(name: str | None = None) -> Any:
    """Nothing; in a graph of tf.compat.v1 an operation that does nothing."""
    graph = _static()
    return None if graph is None else graph.operation((), name or "NoOp")
