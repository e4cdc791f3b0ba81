"""``tf.debugging.enable_check_numerics``: every op's result is looked at for NaN and infinities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ops import OpDef, install_dispatch, ops
from graphc.trace.dispatch import apply
from graphc.trace.state import current, user_loc
from graphc.trace.tensor import EagerTensor

# What makes infinities on purpose, and the check itself.
_LEFT_ALONE = frozenset(("check_numerics", "constant", "select", "identity", "print"))


def _checked(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    """Call an op and look at its results; in graphs a check is added to each."""
    results = apply(op, args, attrs)
    if op.name in _LEFT_ALONE:
        return results
    listed = results if op.many else (results,)
    looked = tuple(_look(op, i, r, len(listed)) for i, r in enumerate(listed))
    return looked if op.many else looked[0]


def _look(op: OpDef, at: int, result: Any, count: int) -> Any:
    if not getattr(getattr(result, "dtype", None), "is_floating", False):
        return result
    loc = user_loc()
    line = f" at {loc.file}:{loc.line}" if loc else ""
    text = f'in output {at} of op "{op.name}" (# of outputs: {count}){line}'
    if current.tracer is not None:
        return ops.check_numerics(result, message=f"!!! Detected Infinity or NaN {text} !!!")
    if isinstance(result, EagerTensor) and not np.isfinite(result._array).all():
        kind = "NaN" if np.isnan(result._array).any() else "Infinity"
        raise InvalidArgumentError(f"!!! Detected {kind} {text} !!!")
    return result


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Raise ``InvalidArgumentError``, naming op and line, as soon as any op gives NaN or infinity.

    Functions that are traced from now on check themselves, too.
    """
    install_dispatch(_checked)


def disable_check_numerics() -> None:
    """Undo `enable_check_numerics`; functions traced meanwhile keep their checks."""
    install_dispatch(apply)
