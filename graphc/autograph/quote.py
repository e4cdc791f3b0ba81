"""Small builders of syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

Node = TypeVar("Node", bound=ast.AST)
AG = "ag"  # the name of the operators in converted code
# functions made from blocks
BLOCK = re.compile("(then|else|body|test|otherwise|rest|island)_[0-9]+")


def at(node: Node, like: ast.AST) -> Node:
    """Give a new node, and what is new below it, the place of another one."""
    like = _head(like)
    ast.copy_location(node, like)
    pending: list[ast.AST] = [node]
    while pending:
        for child in ast.iter_child_nodes(pending.pop()):
            if not child._attributes:
                if child._fields:
                    pending.append(child)
            elif getattr(child, "lineno", None) is None:
                ast.copy_location(child, like)
                if isinstance(child, ast.Attribute):  # Python puts a method call on its last line
                    child.end_lineno, child.end_col_offset = child.lineno, child.col_offset
                pending.append(child)
    return node


def _head(node: ast.AST) -> ast.AST:
    """The part of a compound statement that decides."""
    if isinstance(node, ast.If | ast.While):
        return node.test
    return node.iter if isinstance(node, ast.For) else node


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


def strings(names: Iterable[str]) -> ast.Tuple:
    return ast.Tuple([constant(n) for n in names], ast.Load())


def operator(name: str) -> ast.Attribute:
    """``ag.name``"""
    base = load(AG)
    base.ours = True  # type: ignore[attr-defined]  # renamed if the user has an `ag` too
    return ast.Attribute(base, name, ast.Load())


def is_operator(node: ast.expr, *names: str) -> bool:
    """Whether an expression is one that `operator` made, of these names if there are any."""
    ours = isinstance(node, ast.Attribute) and hasattr(node.value, "ours")
    return ours and (not names or node.attr in names)  # type: ignore[attr-defined]


def call(name: str, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
    """``ag.name(args)``"""
    return ast.Call(operator(name), list(args), [ast.keyword(k, v) for k, v in keywords.items()])


def attribute(value: ast.expr, name: str) -> ast.Attribute:
    return ast.Attribute(value, name, ast.Load())


def lambda_(body: ast.expr, params: Sequence[str] = ()) -> ast.Lambda:
    return ast.Lambda(arguments(params), body)


def arguments(params: Sequence[str], bound: Mapping[str, str] | None = None) -> ast.arguments:
    """Parameters; each of ``bound`` has the present value of a name as its default."""
    bound = bound or {}
    listed = [ast.arg(n) for n in (*params, *bound)]
    return ast.arguments([], listed, None, [], [], None, [load(n) for n in bound.values()])


def define(
    name: str, params: Sequence[str], body: list[ast.stmt], bound: Mapping[str, str] | None = None
) -> ast.FunctionDef:
    return ast.FunctionDef(name, arguments(params, bound), body, [], None, None)


def assign(target: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([store(target)], value)


def unpack(names: Sequence[str], value: ast.expr) -> ast.stmt:
    """``(a, b) = value``, or just ``value`` where nothing is wanted."""
    if not names:
        return ast.Expr(value)
    return ast.Assign([ast.Tuple([store(n) for n in names], ast.Store())], value)
