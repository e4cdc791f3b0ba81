"""``tf.cond``, ``tf.case``, ``tf.switch_case``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.control import OPERATORS
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Operators

Branch = Callable[[], Any]


def cond(
    pred: Any,
    true_fn: Branch | None = None,
    false_fn: Branch | None = None,
    name: str | None = None,
) -> Any:
    """``true_fn()`` if the scalar ``pred`` holds, else ``false_fn()``.

    While a function is traced, and ``pred`` is a tensor, both are traced: their results must have
    one structure and one dtype each.

    Raises ``TypeError`` if a branch is not callable, ``BranchMismatchError`` if their results
    differ.
    """
    _callable("cond", true_fn=true_fn, false_fn=false_fn)
    then, other = OPERATORS.fn(true_fn), OPERATORS.fn(false_fn)
    if not isinstance(pred, Operators):
        return then() if pred else other()
    result = OPERATORS.if_(
        pred, lambda: (then(),), lambda: (other(),), (), ("the result of tf.cond",)
    )
    return result[0]


def _callable(who: str, **functions: Any) -> None:
    for name, fn in functions.items():
        if not callable(fn):
            raise TypeError(f"{who}: {name} must be callable, got {fn!r}")


def case(
    pred_fn_pairs: Any,
    default: Branch | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """The result of the function of the first condition that holds, else of ``default``.

    ``pred_fn_pairs`` is a list of pairs, or a dict of functions by condition.

    Raises ``InvalidArgumentError`` if no condition holds and there is no default, and with
    ``exclusive`` if more than one holds.
    """
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, Mapping) else pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"case takes pairs of a condition and a function, got {pair!r}")
        _callable("case", function=pair[1])
    if default is not None:
        _callable("case", default=default)
    elif not pairs:
        raise ValueError("case needs at least one condition, or a default")
    preds = [convert_to_tensor(pred) for pred, _ in pairs]
    if exclusive and len(preds) > 1:
        _require(preds, lambda count: ops.less_equal(count, 1), "more than one condition holds")
    if default is None:
        _require(preds, lambda count: ops.greater(count, 0), "no condition holds, and there is no"
                 " default")  # fmt: skip
        *pairs, (_, default) = pairs
    return _chain(list(zip(preds, (fn for _, fn in pairs), strict=False)), default)


def _require(preds: Sequence[Any], test: Callable[[Any], Any], message: str) -> None:
    """Check how many conditions hold."""
    count = ops.reduce_sum(ops.cast(ops.stack(*preds, axis=0), dtype=dtypes.int32), axis=(0,))
    ok = test(count)
    if staging.is_symbolic(ok):
        staging.emit_assert(ok, InvalidArgumentError, [f"case: {message}"])
    elif not ok:
        raise InvalidArgumentError(f"case: {message}")


def _chain(pairs: Sequence[tuple[Any, Branch]], default: Branch) -> Any:
    if not pairs:
        return OPERATORS.fn(default)()
    (pred, fn), *rest = pairs
    return cond(pred, fn, lambda: _chain(rest, default))


def switch_case(
    branch_index: Any,
    branch_fns: Any,
    default: Branch | None = None,
    name: str = "switch_case",
) -> Any:
    """The result of the function with the number ``branch_index``.

    ``branch_fns`` is a list of functions, a list of pairs (number, function), or a dict.  A number
    that has none takes ``default``, or the function of the highest number.
    """
    given = branch_fns.items() if isinstance(branch_fns, Mapping) else enumerate(branch_fns)
    pairs = sorted(f if isinstance(f, tuple) else (i, f) for i, f in given) if not isinstance(
        branch_fns, Mapping) else sorted(given)  # fmt: skip
    if not pairs:
        raise ValueError("switch_case needs at least one branch")
    for number, fn in pairs:
        if not isinstance(number, int):
            raise TypeError(f"switch_case: branches are numbered with ints, got {number!r}")
        _callable("switch_case", branch=fn)
    if default is not None:
        _callable("switch_case", default=default)
    else:
        *pairs, (_, default) = pairs
    index = convert_to_tensor(branch_index)
    return _chain([(ops.equal(index, number), fn) for number, fn in pairs], default)
