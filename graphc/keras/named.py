"""Kinds of objects that are written as a name, a config or the object itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from graphc.keras.utils.serialization import (
    arguments_of,
    deserialize_keras_object,
    serialize_keras_object,
)


class Configured:
    """An object that its constructor's arguments describe; attributes of their names hold them."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make one like this."""
        return arguments_of(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        return cls(**config)


def lookups(
    kind: str, objects: Mapping[str, Any], spelled: Callable[[str], str] = lambda name: name
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """``get``, ``serialize`` and ``deserialize`` of a kind whose objects have these names.

    ``spelled`` makes a user's spelling of a name that of ``objects``.
    """

    def serialize(instance: Any, use_legacy_format: bool = True) -> Any:
        """A name, or ``{"class_name": ..., "config": ...}``."""
        return serialize_keras_object(instance)

    def deserialize(config: Any, custom_objects: Any = None, use_legacy_format: bool = True) -> Any:
        """The object of a name or a config; raises ``ValueError`` for unknown names."""
        name = config["class_name"] if isinstance(config, Mapping) else config
        known = name if name in objects else spelled(name)
        if known in objects and known != name:
            config = {**config, "class_name": known} if isinstance(config, Mapping) else known
        return deserialize_keras_object(config, objects, custom_objects, kind)

    def get(identifier: Any) -> Any:
        """The object of a name or a config; None and objects are themselves.

        Raises ``ValueError`` for unknown names and for what is neither.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str | Mapping):
            return deserialize(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}")

    return get, serialize, deserialize
