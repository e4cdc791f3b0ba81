"""What users call of AutoGraph themselves: ``tf.autograph.to_graph`` and the like."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from graphc.autograph.convert import convert

_operators: list[Any] = []
_verbosity: list[int] = [0]


def install_operators(operators: Any) -> None:
    """Set the operators that functions are converted for where the user names none."""
    _operators[:] = [operators]


def installed() -> Any:
    """Those operators."""
    return _operators[0]


def to_graph(
    entity: Callable[..., Any], recursive: bool = True, experimental_optional_features: Any = None
) -> Callable[..., Any]:
    """The function as AutoGraph converts it: inside a @function it stages control flow on tensors.

    Raises ``SourceNotFoundError`` where there is no source.
    """
    if not callable(entity):
        raise TypeError(f"to_graph takes a function, got {entity!r}")
    return convert(entity, installed())


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """How much AutoGraph tells; kept for `get_verbosity`: what it left as it is, to_code shows."""
    _verbosity[0] = int(level)


def get_verbosity() -> int:
    """The level that `set_verbosity` set."""
    return _verbosity[0]


def trace(*args: Any) -> None:
    """Print while the function is traced, not when it runs."""
    sys.stdout.write(" ".join(map(str, args)) + "\n")
