"""``tf.Module``: an object that finds the Variables and modules in its attributes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from graphc.control_flow import name_scope
from graphc.trace.variable import Variable


class Module:
    """Base of objects that own Variables (TF: ``tf.Module``).

    Variables and modules count wherever they are: in attributes, and in lists, tuples and dicts
    there, at any depth.  Raises ``ValueError`` for a name that is no Python identifier.
    """

    _untracked: frozenset[str] = frozenset()  # attributes that own nothing

    def __init__(self, name: str | None = None) -> None:
        name = snake_case(type(self).__name__) if name is None else name
        if not name.isidentifier():
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python"
                " identifiers (e.g. a valid class name)."
            )
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """A scope of this module's name."""
        return name_scope(self._name)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Its Variables and those of its modules."""
        return tuple(self._flatten(lambda v: isinstance(v, Variable)))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        return tuple(self._flatten(lambda v: isinstance(v, Variable) and v.trainable))

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        return tuple(self._flatten(lambda v: isinstance(v, Variable) and not v.trainable))

    @property
    def submodules(self) -> tuple[Module, ...]:
        """The modules it owns, and those that they own."""
        return tuple(self._flatten(lambda v: isinstance(v, Module)))

    def _flatten(
        self,
        predicate: Callable[[Any], bool] = lambda _: True,
        recursive: bool = True,
    ) -> Iterator[Any]:
        """What it owns, each once: attributes in order of their names, then what modules own."""
        seen = {id(self)}
        waiting: list[Module] = [self]
        for module in waiting:
            for name in sorted(vars(module).keys() - module._untracked):
                for leaf in _leaves(vars(module)[name]):
                    if id(leaf) in seen:
                        continue
                    seen.add(id(leaf))
                    if predicate(leaf):
                        yield leaf
                    if recursive and isinstance(leaf, Module):
                        waiting.append(leaf)

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Run a method in the module's name scope."""

        @functools.wraps(method)
        def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def snake_case(name: str) -> str:
    """``MyModule`` -> ``my_module``"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
