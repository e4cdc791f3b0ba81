"""``tf.name_scope``, ``tf.control_dependencies``, ``tf.group``, ``tf.no_op``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Nothing: programs keep the order of effects by themselves."""
    for each in () if control_inputs is None else control_inputs:
        if isinstance(each, Callable) and not hasattr(each, "dtype"):  # type: ignore[arg-type]
            each()
    yield


def group(*inputs: Any, name: str | None = None) -> None:
    """Nothing: programs keep the order of effects by themselves."""


def no_op(name: str | None = None) -> None:
    """Nothing."""
