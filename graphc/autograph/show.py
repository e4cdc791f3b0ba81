"""Converted code as text, for reading.

`astor` prints it; it knows no ``match``, ``except*`` and some newer nodes: they are handled here.
"""

from __future__ import annotations

import ast
import html
import linecache
import textwrap
from typing import Any

from graphc.autograph import quote
from graphc.autograph.convert import Conversion, converted_tree
from graphc.autograph.source import copy_of


def to_code(fn: Any) -> str:
    """The function as AutoGraph converts it, with a comment for each thing it left as it is."""
    note = converted_tree(fn)
    notes = "".join(f"# {refusal}\n" for refusal in note.refusals)
    return notes + render(note.tree)


class SideBySide:
    """A function beside its converted form: as text, or as a table in a notebook."""

    def __init__(self, fn: Any) -> None:
        self._note = converted_tree(fn)
        self.rows = _aligned(self._note)

    def __str__(self) -> str:
        width = max((len(left) for left, _ in self.rows), default=0)
        lines = [f"{left:{width}} | {right}".rstrip() for left, right in self.rows]
        return "\n".join(lines) + "\n"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = "text-align:left;white-space:pre;font-family:monospace;padding:0 1em"
        rows = "".join(
            "<tr>" + "".join(f'<td style="{cell}">{html.escape(t)}</td>' for t in row) + "</tr>"
            for row in self.rows
        )
        head = "".join(
            f'<th style="text-align:left">{html.escape(t)}</th>'
            for t in (f"{self._note.name}, line {self._note.line}", "as AutoGraph converts it")
        )
        return f"<table><tr>{head}</tr>{rows}</table>"


def side_by_side(fn: Any) -> SideBySide:
    """A function's lines, each beside what it became; raises ``SourceNotFoundError``."""
    return SideBySide(fn)


def _aligned(note: Conversion) -> list[tuple[str, str]]:
    """Lines of the original and of the converted source that belong together."""
    converted = render(note.tree)
    lines = _lines_behind(note.tree, converted)
    lines = _lines_behind(note.tree, converted)
    left, first = _original(note, max((note.tree.end_lineno or 0, *lines.values())))
    rows, shown = [], 0
    for number, text in enumerate(converted.splitlines(), 1):
        place = lines[number] - first + 1 if number in lines else shown
        rows += [(line, "") for line in left[shown : place - 1]]
        rows.append((left[place - 1] if place > shown else "", text))
        shown = max(shown, place)
    return rows + [(line, "") for line in left[shown:]]


def _original(note: Conversion, last: int) -> tuple[list[str], int]:
    """The user's lines, and the number of the first."""
    lines = linecache.getlines(note.filename)
    if isinstance(note.tree, ast.Lambda):
        text = ast.get_source_segment("".join(lines), note.tree) or ""
        return text.splitlines(), note.tree.lineno
    return textwrap.dedent("".join(lines[note.line - 1 : last])).splitlines(), note.line


def _lines_behind(tree: ast.AST, text: str) -> dict[int, int]:
    """For each line of the printed tree that begins a statement the line of the user's source."""
    if isinstance(tree, ast.Lambda):
        return {1: tree.lineno}
    pairs = zip(_statements(tree), _statements(ast.parse(text).body[0]), strict=True)
    return {new.lineno: old.lineno for old, new in pairs}


def _statements(tree: ast.AST) -> list[ast.stmt]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]


def render(tree: ast.AST) -> str:
    """A syntax tree as source text."""
    import astor  # lazy: start-up time
    from astor.code_gen import SourceGenerator, set_precedence

    generator = _generator(SourceGenerator, set_precedence)
    tree = _Readable().visit(copy_of(tree))
    text = astor.to_source(tree, source_generator_class=generator, pretty_string=_pretty_string,
                           pretty_source=_joined)  # fmt: skip
    text = text.strip("\n") + "\n"
    return text[1:-2] + "\n" if isinstance(tree, ast.Lambda) else text


class _Readable(ast.NodeTransformer):
    """Leaves out what only looks at values: where they are stored."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        return node.args[0] if quote.is_operator(node.func, "stored") else node


def _joined(source: list[str]) -> str:
    """Lines as they are: astor's own line breaking is slow and hurts reading."""
    return "".join(source)


def _pretty_string(text: str, *args: Any, **kwargs: Any) -> str:
    return repr(text)


def _generator(base: Any, set_precedence: Any) -> Any:
    class Generator(base):
        """astor's printer with the statements of newer Pythons."""

        def visit_Match(self, node: ast.Match) -> None:
            self.statement(node, "match ", node.subject, ":")
            self.indentation += 1
            for case in node.cases:
                pattern = ast.unparse(case.pattern)
                self.statement(case, "case ", pattern)
                if case.guard is not None:
                    self.write(" if ", case.guard)
                self.write(":")
                self.body(case.body)
            self.indentation -= 1

        def visit_TryStar(self, node: Any) -> None:
            self.statement(node, "try:")
            self.body(node.body)
            for handler in node.handlers:
                self.statement(handler, "except* ", handler.type)
                self.conditional_write(" as ", handler.name)
                self.write(":")
                self.body(handler.body)
            self.else_body(node.orelse)
            if node.finalbody:
                self.statement(node, "finally:")
                self.body(node.finalbody)

        def visit_Lambda(self, node: ast.Lambda) -> None:
            with self.delimit(node) as delimiters:
                set_precedence(delimiters.p, node.body)
                self.write("lambda")
                if ast.unparse(node.args):
                    self.write(" ")
                    self.visit_arguments(node.args)
                self.write(": ", node.body)

        def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
            self.write(ast.unparse(node))

    return Generator
