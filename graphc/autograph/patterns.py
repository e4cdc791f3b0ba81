"""What the patterns of ``match`` mean (PEP 634), where a test may come out as a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphc.autograph import Operators

Captures = dict[str, Any]
_ITSELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)


def matched(ag: Operators, subject: Any, pattern: tuple[Any, ...], guard: Any = None) -> Any:
    """Whether a pattern fits, and then its guard holds."""
    captures: Captures = {}
    fits = match(ag, subject, pattern, captures)
    if guard is None or fits is False:
        return fits
    if fits is True:
        return guard(**captures)
    return ag.and_(fits, lambda: guard(**captures))


def captured(ag: Operators, subject: Any, pattern: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a pattern that fits binds to its names, in their order."""
    captures: Captures = {}
    match(ag, subject, pattern, captures)
    return tuple(captures[name] for name in sorted(captures))


def match(ag: Operators, subject: Any, pattern: tuple[Any, ...], captures: Captures) -> Any:
    """Whether a pattern fits; fills ``captures``."""
    kind, *parts = pattern
    return _KINDS[kind](ag, subject, captures, *parts)


def _all(ag: Operators, pairs: Any, captures: Captures) -> Any:
    """Whether each subject fits its pattern."""
    result: Any = True
    for subject, pattern in pairs:
        fits = match(ag, subject, pattern, captures)
        if fits is False:
            return False
        result = fits if result is True else ag.and_(result, lambda fits=fits: fits)
    return result


def _value(ag: Operators, subject: Any, captures: Captures, value: Any) -> Any:
    return ag.truth(ag.compare(("==",), subject, value))


def _is(ag: Operators, subject: Any, captures: Captures, value: Any) -> Any:
    return ag.compare(("is",), subject, value)


def _sequence(ag: Operators, subject: Any, captures: Captures, patterns: Any) -> Any:
    if not isinstance(subject, Sequence) or isinstance(subject, str | bytes | bytearray):
        return False
    star = next((i for i, p in enumerate(patterns) if p[0] == "star"), None)
    missing = len(subject) - len(patterns)
    if star is None:
        return missing == 0 and _all(ag, zip(subject, patterns, strict=True), captures)
    if missing < -1:
        return False
    end = star + missing + 1
    items = [*subject[:star], list(subject[star:end]), *subject[end:]]
    return _all(ag, zip(items, patterns, strict=True), captures)


def _star(ag: Operators, subject: Any, captures: Captures, name: str | None) -> bool:
    if name:
        captures[name] = subject
    return True


def _mapping(
    ag: Operators, subject: Any, captures: Captures, keys: Any, patterns: Any, rest: str | None
) -> Any:
    if not isinstance(subject, Mapping) or any(k not in subject for k in keys):
        return False
    result = _all(ag, zip((subject[k] for k in keys), patterns, strict=True), captures)
    if rest and result is not False:
        captures[rest] = {k: v for k, v in subject.items() if k not in keys}
    return result


def _class(
    ag: Operators, subject: Any, captures: Captures, cls: Any, patterns: Any, names: Any, named: Any
) -> Any:
    if not isinstance(subject, cls):
        return False
    pairs = []
    if patterns and cls in _ITSELF:
        pairs.append((subject, patterns[0]))
        taken = 1
    else:
        order = getattr(cls, "__match_args__", ())
        taken = len(order)
        pairs += [(getattr(subject, n, _NONE), p) for n, p in zip(order, patterns, strict=False)]
    if len(patterns) > taken:
        raise TypeError(
            f"{cls.__name__}() accepts {taken} positional sub-pattern{'s' * (taken != 1)}"
            f" ({len(patterns)} given)"
        )
    pairs += [(getattr(subject, n, _NONE), p) for n, p in zip(names, named, strict=True)]
    return all(s is not _NONE for s, _ in pairs) and _all(ag, pairs, captures)


_NONE = object()


def _or(ag: Operators, subject: Any, captures: Captures, patterns: Any) -> Any:
    """The first alternative that fits; which one may depend on a tensor if nothing is bound."""
    result: Any = False
    for pattern in patterns:
        bound: Captures = {}
        fits = match(ag, subject, pattern, bound)
        if fits is False:
            continue
        captures |= bound
        if bound and not (fits is True and result is False) and pattern is not patterns[-1]:
            return _refuse_bound()
        result = fits if result is False else ag.or_(result, lambda fits=fits: fits)
        if fits is True:
            break
    return result


def _refuse_bound() -> Any:
    raise TypeError(
        "which alternative of a `|` pattern binds its names depends on a tensor; write the"
        " alternatives as cases of their own"
    )


def _as(ag: Operators, subject: Any, captures: Captures, inner: Any, name: str | None) -> Any:
    result = True if inner is None else match(ag, subject, inner[0], captures)
    if name and result is not False:
        captures[name] = subject
    return result


_KINDS = {
    "value": _value, "is": _is, "sequence": _sequence, "star": _star, "mapping": _mapping,
    "class": _class, "or": _or, "as": _as,
}  # fmt: skip
