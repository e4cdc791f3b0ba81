"""Objects as plain data and back: class name and config, never code.

User classes are found by the names they were registered under, or in ``custom_objects``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import graphc as tf

_CUSTOM: dict[str, Any] = {}
_REGISTERED_NAMES: dict[Any, str] = {}


def get_custom_objects() -> dict[str, Any]:
    """The user's classes and functions by name; may be changed."""
    return _CUSTOM


@contextmanager
def custom_object_scope(*args: Mapping[str, Any]) -> Iterator[None]:
    """Classes and functions that may be found by name inside."""
    before = dict(_CUSTOM)
    for objects in args:
        _CUSTOM.update(objects or {})
    try:
        yield
    finally:
        _CUSTOM.clear()
        _CUSTOM.update(before)


CustomObjectScope = custom_object_scope


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Let files name this class or function as ``package>name``."""

    def register(target: Any) -> Any:
        full = f"{package}>{name or target.__name__}"
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        if _CUSTOM.get(full, target) is not target:
            raise ValueError(f"{full} has already been registered to {_CUSTOM[full]}")
        _CUSTOM[full] = target
        _REGISTERED_NAMES[target] = full
        return target

    return register


def get_registered_name(obj: Any) -> str:
    return _REGISTERED_NAMES.get(obj, obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Any = None
) -> Any:
    """The class or function of a name; None if there is none."""
    for known in (custom_objects or {}, _CUSTOM, module_objects or {}):
        if name in known:
            return known[name]
    return None


def serialize_keras_object(instance: Any) -> Any:
    """``{"class_name": ..., "config": ...}``; of a function its name."""
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {
            "class_name": get_registered_name(type(instance)),
            "config": instance.get_config(),
        }
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"Cannot serialize {instance} because it doesn't implement `get_config()`.")


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object of a config, or the function (an instance of the class) of a name.

    Raises ``ValueError`` for names that are not known.
    """
    if identifier is None:
        return None
    named = isinstance(identifier, str)
    name = identifier if named else identifier.get("class_name")
    registered = None if named else identifier.get("registered_name")
    found = get_registered_object(registered, custom_objects, module_objects)
    found = found or get_registered_object(name, custom_objects, module_objects)
    if found is None:
        raise ValueError(
            f"Unknown {printable_module_name}: {name!r}. Please ensure you are using a"
            " `keras.utils.custom_object_scope` and that this object is included in the scope."
        )
    if named:
        return found() if inspect.isclass(found) else found
    if not hasattr(found, "from_config"):
        return found
    with custom_object_scope(custom_objects or {}):
        return found.from_config(identifier.get("config", {}))


def arguments_of(instance: Any, ignored: tuple[str, ...] = ()) -> dict[str, Any]:
    """The arguments an object was made with, read from attributes of the same names, as plain data.

    Raises ``NotImplementedError`` where there is no such attribute.
    """
    found: dict[str, Any] = {}
    for cls in type(instance).__mro__:
        if "__init__" not in vars(cls):
            continue
        parameters = inspect.signature(cls.__init__).parameters.values()
        for p in list(parameters)[1:]:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in (*found, *ignored):
                continue
            if not hasattr(instance, p.name):
                raise NotImplementedError(
                    f"{type(instance).__name__} has arguments in `__init__` that it does not keep"
                    f" as attributes ({p.name}) and therefore must override `get_config`."
                )
            found[p.name] = plain(getattr(instance, p.name))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break  # it takes nothing else
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, tf.Tensor | tf.Variable | np.ndarray | np.generic):
        return np.asarray(value).tolist()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return serialize_keras_object(value)
