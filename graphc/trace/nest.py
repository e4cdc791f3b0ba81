"""Nested structures: lists, tuples, namedtuples, dicts, dataclasses and classes of attrs.

(TF: ``tf.nest``)
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphc.ir.dtypes import DType


def is_nested(structure: Any) -> bool:
    """Whether it is a container this module looks into."""
    return _nests(type(structure))


@functools.lru_cache(1024)
def _nests(kind: type) -> bool:
    if issubclass(kind, tuple):
        return kind.__name__ != "TensorShape"
    record = dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__")
    return issubclass(kind, list | Mapping) or (record and not issubclass(kind, DType))


def field_names(record: Any) -> list[str]:
    """The fields of an object of a dataclass, or of a class that attrs made."""
    plain = dataclasses.is_dataclass(record)
    fields = dataclasses.fields(record) if plain else type(record).__attrs_attrs__
    return [f.name for f in fields if hasattr(record, f.name)]


def children(structure: Any) -> Iterator[tuple[Any, Any]]:
    """(key, child) pairs; dicts in the order of their sorted keys, as TensorFlow flattens them."""
    if isinstance(structure, Mapping):
        yield from ((k, structure[k]) for k in _sorted(structure))
    elif hasattr(type(structure), "__graphc_children__"):
        yield from enumerate(structure.__graphc_children__())
    elif isinstance(structure, list | tuple):
        yield from enumerate(structure)
    else:
        yield from ((name, getattr(structure, name)) for name in field_names(structure))


def _sorted(keys: Iterable[Any]) -> list[Any]:
    listed = list(keys)
    try:
        return sorted(listed)
    except TypeError:  # keys of mixed types keep their order
        return listed


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves, in order."""
    if not is_nested(structure):
        return [structure]
    found: list[Any] = []
    for _, child in children(structure):
        found.extend(flatten(child))
    return found


def flatten_with_paths(structure: Any, path: str = "") -> list[tuple[str, Any]]:
    """(path, leaf) pairs; a path reads like Python: ``['a'][0].b``."""
    if not is_nested(structure):
        return [(path, structure)]
    named = not isinstance(structure, Mapping | list | tuple)
    found = []
    for key, child in children(structure):
        step = f".{key}" if named else f"[{key!r}]"
        found.extend(flatten_with_paths(child, path + step))
    return found


def pack_sequence_as(
    structure: Any, flat_sequence: Iterable[Any], expand_composites: bool = False
) -> Any:
    """``structure`` with its leaves replaced, in order."""
    leaves = list(flat_sequence)
    source = iter(leaves)
    try:
        packed = _pack(structure, source)
    except StopIteration:
        raise ValueError(
            f"structure has {len(flatten(structure))} leaves, got {len(leaves)} values"
        ) from None
    if next(source, _END) is not _END:
        raise ValueError(
            f"structure has {len(flatten(structure))} leaves, got {len(leaves)} values"
        )
    return packed


_END = object()


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        try:
            return next(leaves)
        except StopIteration:
            raise StopIteration from None
    parts = [(key, _pack(child, leaves)) for key, child in children(structure)]
    return rebuild(structure, parts)


def rebuild(structure: Any, children: list[tuple[Any, Any]]) -> Any:
    """A container like ``structure`` with other children."""
    if isinstance(structure, Mapping):
        return _remap(structure, dict(children))
    values = [child for _, child in children]
    if hasattr(structure, "_fields"):
        return type(structure)(*values)
    if isinstance(structure, list | tuple):
        return type(structure)(values)
    made = copy.copy(structure)  # not by its constructor, which may do more than set fields
    for name, child in children:
        object.__setattr__(made, name, child)
    return made


def _remap(structure: Mapping[Any, Any], packed: dict[Any, Any]) -> Any:
    """A mapping with the keys of ``structure`` in its order, and of its type."""
    ordered = {k: packed[k] for k in structure}
    if type(structure) is dict:
        return ordered
    if not hasattr(structure, "__setitem__"):
        return type(structure)(ordered)  # type: ignore[call-arg]
    made = copy.copy(structure)  # a defaultdict keeps its default
    for k, value in ordered.items():
        made[k] = value
    return made


def map_structure(func: Callable[..., Any], *structures: Any, **kwargs: Any) -> Any:
    """Apply ``func`` leaf by leaf to structures of one shape."""
    if kwargs.pop("check_types", True):
        for other in structures[1:]:
            assert_same_structure(structures[0], other)
    flat = zip(*map(flatten, structures), strict=True)
    return pack_sequence_as(structures[0], [func(*leaves) for leaves in flat])


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raise ``ValueError`` or ``TypeError`` if two structures are not nested alike."""
    a, b = is_nested(nest1), is_nested(nest2)
    if a != b:
        raise ValueError(f"the structures differ: {nest1!r} and {nest2!r}")
    if not a:
        return
    if check_types and _kind(nest1) is not _kind(nest2):
        raise TypeError(f"the structures differ: {type(nest1).__name__} and {type(nest2).__name__}")
    left, right = list(children(nest1)), list(children(nest2))
    if [k for k, _ in left] != [k for k, _ in right]:
        raise ValueError(f"the structures differ: {nest1!r} and {nest2!r}")
    for (_, x), (_, y) in zip(left, right, strict=True):
        assert_same_structure(x, y, check_types)


def _kind(structure: Any) -> type:
    """The type; lists of traced code count as lists."""
    return getattr(type(structure), "__graphc_kind__", type(structure))


def same_container(a: Any, b: Any) -> bool:
    """Whether two containers are of one type with the same keys; their children may differ."""
    return _kind(a) is _kind(b) and [k for k, _ in children(a)] == [k for k, _ in children(b)]


def same_structure(a: Any, b: Any) -> bool:
    """Whether two structures are nested alike."""
    try:
        assert_same_structure(a, b)
    except (TypeError, ValueError):
        return False
    return True
