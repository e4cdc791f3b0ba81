"""``tf.autograph.experimental``."""

from __future__ import annotations

from enum import Enum
from typing import Any

from graphc.autograph.convert import do_not_convert
from graphc.autograph.user import installed


class Feature(Enum):
    """Names of optional conversions; all of them are always on (TF: ``Feature``)."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"


def set_loop_options(
    parallel_iterations: Any = None, swap_memory: Any = None, maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:  # fmt: skip
    """Options of the loop around, if it is staged; loops that Python runs ignore them.

    ``maximum_iterations`` ends it after so many iterations.  ``shape_invariants`` are pairs of a
    tensor and the shape it has in every iteration; which dims change is found without them, so they
    are only checked.  The other options are accepted and of no effect.

    Raises ``ValueError`` if a tensor does not fit its invariant.
    """
    installed().loop_options(maximum_iterations, list(shape_invariants or ()))


__all__ = ["Feature", "do_not_convert", "set_loop_options"]
