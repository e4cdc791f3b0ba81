"""Finding the syntax tree of a function in the file, notebook cell or prompt it came from.

A file is parsed once; functions are found by line and name, lambdas by the positions of their code.
"""

from __future__ import annotations

import ast
import linecache
import os
import time
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from graphc.errors import SourceNotFoundError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Located:
    """A function's own copy of its syntax tree, and the class whose body it stands in."""

    node: ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef
    filename: str
    enclosing_class: str
    newer: bool  # the source may be newer than the function


@dataclass
class _Parsed:
    """A file's functions by the line their code object gives, with the class around them."""

    lines: list[str]
    functions: dict[int, list[tuple[Definition, str]]] = field(default_factory=dict)


_files: dict[str, _Parsed] = {}
_STARTED = time.time()


def locate(fn: FunctionType) -> Located:
    """The definition of a Python function; `SourceNotFoundError` says why there is none."""
    code = fn.__code__
    parsed = _parse(fn)
    found = [
        (node, owner)
        for node, owner in parsed.functions.get(code.co_firstlineno, ())
        if _fits(node, code)
    ]
    if len(found) > 1:
        spans = [(entry, _mismatch(entry[0], code)) for entry in found]
        least = min(m for _, m in spans)
        found = [entry for entry, m in spans if m == least]
    if not found:
        raise SourceNotFoundError(
            f"the source of {_title(fn)} is not at {code.co_filename}:{code.co_firstlineno}:"
            " the file has changed since it was imported, or the function was made by exec"
        )
    node, owner = found[0]
    return Located(copy_of(node), code.co_filename, owner, _is_newer(code.co_filename))


def _is_newer(filename: str) -> bool:
    """Whether a file was written, or a cell's text was set, after this process began."""
    try:
        return os.stat(filename).st_mtime > _STARTED
    except OSError:
        return True


def copy_of(node: Any) -> Any:
    """A copy of a syntax tree, several times faster than `copy.deepcopy`."""
    made = type(node)()
    for name, value in node.__dict__.items():
        if isinstance(value, ast.AST):
            value = copy_of(value)
        elif type(value) is list:
            value = [copy_of(v) if isinstance(v, ast.AST) else v for v in value]
        setattr(made, name, value)
    return made


def _title(fn: FunctionType) -> str:
    return getattr(fn, "__qualname__", repr(fn))


def _parse(fn: FunctionType) -> _Parsed:
    filename = fn.__code__.co_filename
    if not filename.startswith("<"):
        linecache.checkcache(filename)
    lines = linecache.getlines(filename, fn.__globals__)
    known = _files.get(filename)
    if known is not None and known.lines is lines:
        return known
    if not lines:
        raise SourceNotFoundError(
            f"the source of {_title(fn)} cannot be found: {filename} is not a file that can be read"
        )
    try:
        tree = ast.parse("".join(lines), filename)
    except (SyntaxError, ValueError) as error:
        raise SourceNotFoundError(
            f"the source of {_title(fn)} cannot be parsed: {filename}: {error}"
        ) from error
    parsed = _files[filename] = _Parsed(lines)
    _index(tree, "", parsed)
    return parsed


def _index(tree: ast.AST, owner: str, parsed: _Parsed) -> None:
    pending = [(tree, owner)]
    while pending:
        node, owner = pending.pop()
        if isinstance(node, Definition):
            line = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            parsed.functions.setdefault(line, []).append((node, owner))
        inner = node.name if isinstance(node, ast.ClassDef) else owner
        pending.extend((child, inner) for child in ast.iter_child_nodes(node))


def _fits(node: Definition, code: CodeType) -> bool:
    """Whether name and parameters are those of the code object."""
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    args = node.args
    listed = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    count = code.co_argcount + code.co_kwonlyargcount
    return (
        name == code.co_name
        and len(listed) == count
        and all(
            want == have or (want.startswith("__") and have.endswith(want))
            for want, have in zip(listed, code.co_varnames[:count], strict=True)
        )
    )


def _mismatch(node: Definition, code: CodeType) -> int:
    """How far the definition is from where the code's instructions come from (0: the same)."""
    body = node.body if isinstance(node.body, list) else [node.body]
    last = body[-1]
    span = (body[0].lineno, body[0].col_offset), (last.end_lineno or 0, last.end_col_offset or 0)
    places = [p for p in code.co_positions() if None not in p]
    places = [p for p in places if p[0] != p[1] or p[2] != p[3]]
    if not places:
        return 1
    start = min((p[0], p[2]) for p in places)  # type: ignore[type-var]
    end = max((p[1], p[3]) for p in places)  # type: ignore[type-var]
    if start < span[0] or end > span[1]:
        return 1_000_000
    return abs(end[0] - span[1][0]) + abs(end[1] - span[1][1]) + abs(start[1] - span[0][1])  # type: ignore[operator]
