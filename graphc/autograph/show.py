"""Converted code as text, for reading.

`astor` prints it; it knows no ``match``, ``except*`` and some newer nodes: they are handled here.
"""

from __future__ import annotations

import ast
from typing import Any

from graphc.autograph.convert import converted_tree


def to_code(fn: Any) -> str:
    """The function as AutoGraph converts it, with a comment for each thing it left as it is."""
    note = converted_tree(fn)
    notes = "".join(f"# {refusal}\n" for refusal in note.refusals)
    return notes + render(note.tree)


def render(tree: ast.AST) -> str:
    """A syntax tree as source text."""
    import astor  # lazy: start-up time
    from astor.code_gen import SourceGenerator, set_precedence

    generator = _generator(SourceGenerator, set_precedence)
    text = astor.to_source(tree, source_generator_class=generator, pretty_string=_pretty_string,
                           pretty_source=_joined)  # fmt: skip
    return text.strip("\n") + "\n"


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
