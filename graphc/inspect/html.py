"""HTML fragments for notebooks: static, no script, no style sheet, no outside reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from graphc.inspect.source import Lines
from graphc.inspect.svg import to_svg
from graphc.ir.graph import Graph


def pre(text: str) -> str:
    """Text as it is."""
    return f"<pre>{escape(text)}</pre>"


def folded(title: str, body: str, opened: bool = False) -> str:
    """A part that can be opened with a click."""
    state = " open" if opened else ""
    return f"<details{state}><summary><b>{escape(title)}</b></summary>{body}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows of cells under their titles."""
    cells = "".join(f'<th align="left">{escape(h)}</th>' for h in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{cells}</tr>{lines}</table>"


def graph_html(graph: Graph) -> str:
    """A graph: its picture, then its text."""
    return folded("picture", to_svg(graph), opened=True) + folded("text", pre(str(graph)))


def function_html(f: Any) -> str:
    """What a ``@function`` shows of itself: its traces with their reasons, and the last graph."""
    title = f"<b>@function {escape(f.__name__)}</b>"
    if not f.traces:
        call = f"<code>{escape(f.__name__)}.explain(...)</code>"
        return f"{title}: not traced yet; call it, or {call}"
    rows = [(c.pretty_printed_signature(), len(c.graph.nodes)) for c in f.traces]
    parts = [
        title,
        table(("trace", "nodes"), rows),
        folded("why it was traced", pre("\n".join(map(str, f.retraces))), opened=True),
        folded("source, with the operations of each line", pre(str(Lines(f.traces[-1].graph)))),
        folded("converted source", pre(f.converted_source)),
    ]
    concrete = f.traces[-1]
    parts.append(folded("graph as traced", graph_html(concrete.graph)))
    if "steps" in concrete.function.__dict__:
        parts.append(folded("graph after all passes", graph_html(concrete.function.optimized)))
    return "".join(parts)


def source_of(f: Any) -> str:
    """The user's source of a function, or why there is none."""
    import inspect  # the standard library's, not this package

    target = getattr(f.python_function, "__func__", f.python_function)
    try:
        return inspect.getsource(target)
    except (OSError, TypeError) as error:
        return f"(no source: {error})"
