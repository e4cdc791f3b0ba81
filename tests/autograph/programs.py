"""Random Python programs: nested branches and loops, every kind of exit, tuples."""

from __future__ import annotations

import itertools
import linecache
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "d")
_number = itertools.count()


@dataclass(frozen=True)
class Kind:
    """What a program may contain."""

    python_only: bool = False  # lists, nested functions, exceptions that are caught
    depth: int = 3
    unsure: bool = False  # names that are None or have no value, `del`, `raise`


class Writer:
    """Draws one program."""

    def __init__(self, seed: int, kind: Kind) -> None:
        self.random, self.kind = random.Random(seed), kind
        self.loops = 0

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    # --- expressions ---

    def number(self, depth: int = 2) -> str:
        if depth == 0 or self.pick(True, False, False):
            return self.pick(*NAMES, "x", "y", "1", "2", "3", "7")
        form = self.pick("sum", "sum", "mod", "if", "min", "call", "walrus")
        left, right = self.number(depth - 1), self.number(depth - 1)
        if form == "sum":
            return f"({left} {self.pick('+', '-', '*')} {right}) % 23"
        if form == "mod":
            return f"({left}) // 3 - ({right}) % 5"
        if form == "if":
            return f"({left} if {self.test(depth - 1)} else {right})"
        if form == "min":
            return f"{self.pick('min', 'max')}({left}, {right})"
        if form == "walrus":
            return f"({self.pick(*NAMES)} := {left})"
        return f"helper({left}, {right})"

    def test(self, depth: int = 1) -> str:
        form = self.pick("<", "<=", "==", "!=", ">", "and", "or", "not", "chain", "constant")
        if depth == 0 or form in ("<", "<=", "==", "!=", ">"):
            operator = form if form in ("<", "<=", "==", "!=", ">") else "<"
            return f"{self.number(depth)} {operator} {self.number(0)}"
        if form == "not":
            return f"not ({self.test(depth - 1)})"
        if form == "chain":
            return f"{self.number(0)} < {self.number(depth)} <= {self.number(0)}"
        if form == "constant":
            return self.pick("True", "False")
        return f"({self.test(depth - 1)}) {form} ({self.test(depth - 1)})"

    # --- statements ---

    def block(self, depth: int, loop: bool) -> list[str]:
        count = self.random.randint(1, 3)
        lines = [line for _ in range(count) for line in self.statement(depth, loop)]
        return ["    " + line for line in lines]

    def statement(self, depth: int, loop: bool) -> list[str]:
        simple = ["assign", "assign", "add", "tuple", "return"]
        simple += ["break", "continue"] if loop else []
        simple += ["append"] if self.kind.python_only else []
        simple += ["del", "raise"] if self.kind.python_only or self.kind.unsure else []
        simple += ["none"] if self.kind.unsure else []
        nested = ["if", "if", "ifelse", "ifelse", "while", "for", "forelse", "with", "match"]
        nested += ["try", "def"] if self.kind.python_only else ["finally"]
        form = self.pick(*simple) if depth == 0 else self.pick(*simple, *nested, *nested)
        return getattr(self, f"_{form}")(depth, loop)

    def _assign(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.pick(*NAMES)} = {self.number()}"]

    def _add(self, depth: int, loop: bool) -> list[str]:
        return [f"{self.pick(*NAMES)} {self.pick('+=', '-=')} {self.number(1)} % 11"]

    def _tuple(self, depth: int, loop: bool) -> list[str]:
        first, second = self.random.sample(NAMES, 2)
        return [f"{first}, {second} = {self.number(1)}, {self.number(1)}"]

    def _return(self, depth: int, loop: bool) -> list[str]:
        line = f"return {self.number(1)}, {self.pick(*NAMES)}, {self.pick('a', '0')}, 1"
        if self.pick(True, True, False):  # not too often at once
            return [f"if {self.test()}:", f"    {line}"]
        return [line]

    def _break(self, depth: int, loop: bool) -> list[str]:
        return [f"if {self.test()}:", "    break"] if self.pick(True, True, False) else ["break"]

    def _continue(self, depth: int, loop: bool) -> list[str]:
        return [f"if {self.test()}:", "    continue"]

    def _if(self, depth: int, loop: bool) -> list[str]:
        return [f"if {self.test()}:", *self.block(depth - 1, loop)]

    def _ifelse(self, depth: int, loop: bool) -> list[str]:
        lines = self._if(depth, loop)
        if self.pick(True, False):
            lines += [f"elif {self.test()}:", *self.block(depth - 1, loop)]
        return [*lines, "else:", *self.block(depth - 1, loop)]

    def _while(self, depth: int, loop: bool) -> list[str]:
        self.loops += 1
        fuel = f"n{self.loops}"
        test = self.pick(f"{fuel} < 4", f"{fuel} < 5 and {self.test()}", f"{self.test()}")
        head = [f"{fuel} = {self.pick('0', '1', 'x % 3')}", f"while {test}:"]
        body = [f"    {fuel} += 1", f"    if {fuel} > 6:", "        break"]
        lines = [*head, *body, *self.block(depth - 1, True)]
        return [*lines, "else:", *self.block(depth - 1, loop)] if self.pick(True, False) else lines

    def _for(self, depth: int, loop: bool) -> list[str]:
        self.loops += 1
        over = ["range(3)", "range(x % 4)", f"range({self.number(0)} % 4, 5)", "range(4, 0, -2)"]
        over += ["(1, 2, 5)", "[x, y]"] if self.kind.python_only else ["(1, 2)"]
        target = self.pick(f"i{self.loops}", self.pick(*NAMES) if self.kind.python_only else "i0")
        return [f"for {target} in {self.pick(*over)}:",
                f"    {self.pick(*NAMES)} += {target}", *self.block(depth - 1, True)]  # fmt: skip

    def _forelse(self, depth: int, loop: bool) -> list[str]:
        return [*self._for(depth, loop), "else:", *self.block(depth - 1, loop)]

    def _with(self, depth: int, loop: bool) -> list[str]:
        return ["with block():", *self.block(depth - 1, loop)]

    def _match(self, depth: int, loop: bool) -> list[str]:
        first, second = self.random.sample(NAMES, 2)
        cases = [f"case (1, {first}):", f"case (2, {first}) if {self.number(0)} > 2:",
                 f"case ({first}, {second}) if {self.test(0)}:", "case (0 | 3, _):"]  # fmt: skip
        chosen = [*self.random.sample(cases, 2), "case _:"]
        lines = [line for case in chosen for line in (case, *self.block(depth - 1, loop))]
        return [f"match ({self.number(1)}, {self.number(0)}):", *("    " + line for line in lines)]

    def _finally(self, depth: int, loop: bool) -> list[str]:
        lines = ["try:", *self.block(depth - 1, loop)]
        name = self.pick(*NAMES)
        last = self.pick("finally", "except", "both")
        if last != "finally":
            lines += ["except OSError:", f"    {name} = 3"]
        return lines if last == "except" else [*lines, "finally:", f"    {name} = {self.number(1)}"]

    # --- names that may have no value ---

    def _none(self, depth: int, loop: bool) -> list[str]:
        name, first, second = self.pick(*NAMES), self.pick("x", "y", "3"), self.pick("x", "y", "5")
        return [f"{name} = None", f"if {first} < {second}:", f"    {name} = {second}",
                f"if {name} is None:", f"    {name} = {first}"]  # fmt: skip

    # --- what is Python's alone ---

    def _del(self, depth: int, loop: bool) -> list[str]:
        return [f"del {self.pick(*NAMES)}"]

    def _raise(self, depth: int, loop: bool) -> list[str]:
        error = self.pick("ValueError", "KeyError")
        return [f"if {self.test()}:", f"    raise {error}({self.number(0)})"]

    def _append(self, depth: int, loop: bool) -> list[str]:
        return [f"log.append({self.number(1)})"]

    def _try(self, depth: int, loop: bool) -> list[str]:
        lines = ["try:", *self.block(depth - 1, loop)]
        if self.pick(True, True, False):
            lines += [f"except {self.pick('ValueError', 'Exception')} as error:",
                      "    log.append(type(error))", *self.block(depth - 1, loop)]  # fmt: skip
            lines += ["else:", *self.block(depth - 1, loop)] if self.pick(True, False) else []
        else:
            lines += ["finally:", "    log.append('finally')"]
        return lines

    def _def(self, depth: int, loop: bool) -> list[str]:
        name = self.pick(*NAMES)
        change = self.pick([], [f"    nonlocal {name}", f"    {name} = {self.number(0)} % 9"])
        called = self.pick("log.append(inner())", "log.append(inner)")
        return ["def inner():", *change, f"    return {self.number(0)}", called]

    def program(self) -> str:
        head = ["def program(x, y):"]
        unsure = self.kind.python_only or self.kind.unsure
        names = [n for n in NAMES if not unsure or self.pick(True, False)]
        head += ["    if x == 99:", "        a = b = c = d = 0"] if len(names) < 4 else []
        head += [f"    {name} = {i + 1}" for i, name in enumerate(NAMES) if name in names]
        head += ["    log = []"] if self.kind.python_only else []
        body = [line for _ in range(2) for line in self.block(self.kind.depth, False)]
        tail = ["    return a, b, c, d" + (", [v() if callable(v) and not isinstance(v, type)"
                " else v for v in log]" if self.kind.python_only else "")]  # fmt: skip
        return "\n".join([*head, *body, *tail]) + "\n"


HELPER = """
class block:
    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

def helper(p, q):
    if p > q:
        return p - q
    while q > 5:
        q -= 3
    return q % 7
"""


def programs(kind: Kind) -> st.SearchStrategy[str]:
    """Programs from a seed: drawing every choice from hypothesis is a hundred times slower."""
    depths = st.integers(1, kind.depth)
    make = lambda seed, depth: Writer(seed, replace(kind, depth=depth)).program()  # noqa: E731
    return st.builds(make, st.integers(0, 2**32), depths)


def load(text: str) -> tuple[Callable[..., Any], str]:
    """The program as a function with a source that can be found, and its file name."""
    text = HELPER + text
    name = f"<program {next(_number)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)
    return space["program"], name
