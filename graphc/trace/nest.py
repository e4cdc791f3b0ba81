"""Nested structures: lists, tuples, namedtuples, dicts and dataclasses (TF: ``tf.nest``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_PLAIN = (list, tuple)


def is_nested(structure: Any) -> bool:
    """Whether it is a container this module looks into."""
    return type(structure) in _PLAIN or isinstance(structure, list | Mapping) or _record(structure)


def _record(value: Any) -> bool:
    if isinstance(value, tuple):
        return type(value).__name__ != "TensorShape"
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def children(structure: Any) -> Iterator[tuple[Any, Any]]:
    """(key, child) pairs; dicts in the order of their sorted keys, as TensorFlow flattens them."""
    if isinstance(structure, Mapping):
        yield from ((k, structure[k]) for k in _sorted(structure))
    elif isinstance(structure, list | tuple):
        yield from enumerate(structure)
    else:
        fields = dataclasses.fields(structure)
        yield from ((f.name, getattr(structure, f.name)) for f in fields if f.init)


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
        packed = dict(children)
        ordered = {k: packed[k] for k in structure}
        return ordered if type(structure) is dict else type(structure)(ordered)
    values = [child for _, child in children]
    if hasattr(structure, "_fields"):
        return type(structure)(*values)
    if isinstance(structure, list | tuple):
        return type(structure)(values)
    return dataclasses.replace(structure, **dict(children))


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
    if check_types and type(nest1) is not type(nest2):
        raise TypeError(f"the structures differ: {type(nest1).__name__} and {type(nest2).__name__}")
    left, right = list(children(nest1)), list(children(nest2))
    if [k for k, _ in left] != [k for k, _ in right]:
        raise ValueError(f"the structures differ: {nest1!r} and {nest2!r}")
    for (_, x), (_, y) in zip(left, right, strict=True):
        assert_same_structure(x, y, check_types)


def same_structure(a: Any, b: Any) -> bool:
    """Whether two structures are nested alike."""
    try:
        assert_same_structure(a, b)
    except (TypeError, ValueError):
        return False
    return True
