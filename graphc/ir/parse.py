"""Text to graphs: recursive descent over the grammar in `ir.text`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphc.ir.graph import Graph, Loc, Node, Op, StateSlot, Value
from graphc.ir.lexer import Lexer, Token

_KEY = re.compile(r"\s*[^\W\d]\w*\s*=")


def parse(text: str, ops: Mapping[str, Op]) -> Graph:
    """The graph that `to_text` printed; ``ParseError`` tells line and column of a mistake.

    Types are taken as written: `ir.verify` checks them.
    """
    reader = _Reader(Lexer(text), ops)
    try:
        graph = reader.graph()
    except RecursionError:
        reader.lexer.fail("nested too deeply")
    reader.lexer.take("end", "the end")
    return graph


class _Reader:
    """The productions of the grammar, one method each."""

    def __init__(self, lexer: Lexer, ops: Mapping[str, Op]) -> None:
        self.lexer, self.ops = lexer, ops

    def graph(self) -> Graph:
        lexer, scope = self.lexer, dict[str, Value]()
        lexer.expect("graph")
        lexer.expect("@")
        name = lexer.name()
        inputs = self.parameters(scope)
        state = self.parameters(scope) if lexer.accept("state") else ()
        lexer.expect("{")
        nodes = self.nodes(scope, "return")
        outputs = self.values(scope)
        updates = dict[Value, Value]()
        while lexer.accept("update"):
            token = lexer.token
            written = self.value(scope)
            if written not in state or written in updates:
                lexer.fail(f"%{written.name} is no state, or is updated twice", token)
            lexer.expect("=")
            updates[written] = self.value(scope)
        lexer.expect("}")
        slots = tuple(StateSlot(value, updates.get(value)) for value in state)
        return Graph(name, inputs, nodes, outputs, slots)

    def parameters(self, scope: dict[str, Value]) -> tuple[Value, ...]:
        self.lexer.expect("(")
        found = self.binders(scope) if self.lexer.token.text == "%" else ()
        self.lexer.expect(")")
        return found

    def nodes(self, scope: dict[str, Value], end: str) -> tuple[Node, ...]:
        found = []
        while not self.lexer.accept(end):
            found.append(self.node(scope))
        return tuple(found)

    def node(self, scope: dict[str, Value]) -> Node:
        lexer = self.lexer
        outputs: list[tuple[Token, Value]] = []
        if lexer.token.text == "%":
            outputs = self._binders()
            lexer.expect("=")
        token = lexer.take("word", "an op")
        op = self.ops.get(token.text)
        if op is None:
            lexer.fail(f"there is no op {token.text!r}", token)
        given = self.attrs() if lexer.token.text == "{" and self._attrs_follow() else {}
        defaults: Mapping[str, Any] = getattr(op, "attrs", {})
        inputs = self.values(scope)
        loc = self.loc() if lexer.accept("@") else None
        regions = self.regions() if lexer.on_same_line() and lexer.accept("{") else {}
        self._define(scope, outputs)
        values = tuple(v for _, v in outputs)
        return Node(op, inputs, values, {**defaults, **given}, regions, loc)

    def _attrs_follow(self) -> bool:
        """Whether a brace opens attributes (``{key=``), not regions (``{label(``)."""
        return _KEY.match(self.lexer.text, self.lexer.position) is not None

    def attrs(self) -> dict[str, Any]:
        lexer, found = self.lexer, dict[str, Any]()
        lexer.expect("{")
        while not lexer.accept("}"):
            token = lexer.take("word", "an attribute's name")
            key = token.text
            if key in found:
                lexer.fail(f"{key} is given twice", token)
            lexer.expect("=")
            found[key] = lexer.literal()
            if not lexer.accept(","):
                lexer.expect("}")
                break
        return found

    def loc(self) -> Loc:
        file = self.lexer.string()
        self.lexer.expect(":")
        line = self.lexer.integer()
        self.lexer.expect(":")
        return Loc(file, line, self.lexer.integer())

    def regions(self) -> dict[str, Graph]:
        lexer, found = self.lexer, dict[str, Graph]()
        while not lexer.accept("}"):
            label, scope = lexer.take("word", "a region's label").text, dict[str, Value]()
            inputs = self.parameters(scope)
            lexer.expect("{")
            nodes = self.nodes(scope, "yield")
            found[label] = Graph(label, inputs, nodes, self.values(scope))
            lexer.expect("}")
        return found

    # --- values ---

    def _binders(self) -> list[tuple[Token, Value]]:
        found = []
        while True:
            token = self.lexer.expect("%")
            name = self.lexer.name()
            self.lexer.expect(":")
            found.append((token, Value(name, self.lexer.type())))
            if not self.lexer.accept(","):
                return found

    def binders(self, scope: dict[str, Value]) -> tuple[Value, ...]:
        found = self._binders()
        self._define(scope, found)
        return tuple(v for _, v in found)

    def _define(self, scope: dict[str, Value], binders: list[tuple[Token, Value]]) -> None:
        for token, value in binders:
            if value.name in scope:
                self.lexer.fail(f"there are two values %{value.name}", token)
            scope[value.name] = value

    def values(self, scope: dict[str, Value]) -> tuple[Value, ...]:
        """Values up to the end of the line."""
        found: list[Value] = []
        if self.lexer.token.text == "%" and self.lexer.on_same_line():
            found.append(self.value(scope))
            while self.lexer.accept(","):
                found.append(self.value(scope))
        return tuple(found)

    def value(self, scope: dict[str, Value]) -> Value:
        token = self.lexer.expect("%")
        name = self.lexer.name()
        if name not in scope:
            self.lexer.fail(f"%{name} is not defined before it is used", token)
        return scope[name]
