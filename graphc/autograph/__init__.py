"""AutoGraph: Python functions with their control flow and calls handed to operators.

`convert` edits a function's syntax tree and compiles it under the user's own file and lines.  The
result behaves as the original; only each decision goes through an object that is handed in, the
`Operators`, which may stage it instead.  This package knows nothing of tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from graphc.autograph import experimental
from graphc.autograph.context import Refusal
from graphc.autograph.convert import (
    Conversion,
    add_assigned,
    add_island,
    assigned,
    conversion,
    convert,
    do_not_convert,
    guards_of,
    is_converted,
    is_left_alone,
)
from graphc.autograph.islands import READING
from graphc.autograph.patterns import captured, matched
from graphc.autograph.show import side_by_side, to_code
from graphc.autograph.user import get_verbosity, install_operators, set_verbosity, to_graph, trace
from graphc.errors import SourceNotFoundError

State = tuple[Any, ...]
Block = Callable[..., Any]


class Operators(Protocol):
    """What converted code calls, as ``ag.if_`` and so on.

    Blocks take the state as arguments and return the new one as a tuple, or one of the exits that
    ``return_``, ``break_`` and ``continue_`` make; ``rest`` is what follows a statement that may be
    left, and its result is then the statement's.
    """

    undefined: Any  # the value of names that have none

    def if_(self, test: Any, then: Block, other: Block | None, state: State,
            names: tuple[str, ...], rest: Block | None = None) -> Any: ...  # fmt: skip
    def while_(self, test: Block, body: Block, state: State, names: tuple[str, ...],
               otherwise: Block | None = None, rest: Block | None = None) -> Any: ...  # fmt: skip
    def for_(self, items: Any, body: Block, state: State, names: tuple[str, ...],
             otherwise: Block | None = None, rest: Block | None = None) -> Any: ...  # fmt: skip

    def return_(self, value: Any, *state: Any) -> Any: ...
    def break_(self, *state: Any) -> Any: ...
    def continue_(self, *state: Any) -> Any: ...
    def left(self, result: Any) -> bool: ...
    def resume(self, result: Any, rest: Block) -> Any: ...

    def and_(self, left: Any, right: Callable[[], Any]) -> Any: ...
    def or_(self, left: Any, right: Callable[[], Any]) -> Any: ...
    def not_(self, value: Any) -> Any: ...
    def truth(self, value: Any) -> Any: ...
    def compare(self, names: tuple[str, ...], left: Any, right: Any, *more: Any) -> Any: ...
    def ifexp(self, test: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any: ...

    def matched(self, subject: Any, pattern: State, guard: Block | None = None) -> Any: ...
    def captured(self, subject: Any, pattern: State) -> State: ...

    def island(self, block: Block, state: State, out: State | None = None, falls: bool = True,
               exits: State = (), counts: State = (), rest: Block | None = None,
               changes: State = ()) -> Any: ...  # fmt: skip
    def stored(self, value: Any, owner: Any, key: Any, done: bool = False,
               where: State | None = None) -> Any: ...  # fmt: skip
    def fn(self, function: Any) -> Any: ...
    def list_(self, elements: list[Any]) -> list[Any]: ...
    def collect(self, items: Any, value: Block, test: Block | None = None,
                unpack: int | None = None) -> list[Any]: ...  # fmt: skip
    def item(self, items: Any, index: Any) -> Any: ...
    def loop_options(self, maximum_iterations: Any, shape_invariants: list[Any]) -> None: ...
    def asserted(self, test: Any, message: Callable[[], Any] | None = None) -> Any: ...
    def raised(self, exception: Any) -> Any: ...
    def name(self, name: str, value: Any) -> Any: ...
    def use(self, value: Any, name: str) -> Any: ...
    def delete(self, value: Any, name: str) -> Any: ...
    def peek(self, read: Callable[[], Any]) -> Any: ...


__all__ = [
    "READING", "Conversion", "Operators", "Refusal", "SourceNotFoundError", "add_assigned",
    "add_island", "assigned", "captured", "conversion", "convert", "do_not_convert", "experimental",
    "get_verbosity", "guards_of", "install_operators", "is_converted", "is_left_alone", "matched",
    "set_verbosity", "side_by_side", "to_code", "to_graph", "trace",
]  # fmt: skip
