"""Graphs as text: the same in errors, reports and golden files; `ir.parse` reads it back.

::

    graph   = "graph" "@" name "(" binders ")" [ "state" "(" binders ")" ] "{" body "}"
    body    = { node } "return" values { "update" value "=" value }
    node    = [ binders "=" ] op [ "{" key "=" literal, ... "}" ] [ values ] [ loc ] [ regions ]
    regions = "{" { label "(" binders ")" "{" { node } "yield" values "}" } "}"
    binder  = "%" name ":" dtype "[" dims "]"        loc = "@" string ":" line ":" column
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator

from graphc.ir.graph import Graph, Node, Value
from graphc.ir.literals import literal, quote

_NAME = re.compile(r"[A-Za-z0-9_][\w.]*")
Show = Callable[[Value], str]


def to_text(graph: Graph, locs: bool = False) -> str:
    """The graph in graphc's IR; ``locs`` adds each node's line in the user's source."""
    return "\n".join(line for line, _ in lines(graph, locs))


def lines(graph: Graph, locs: bool = False) -> Iterator[tuple[str, Node | None]]:
    """The lines of the text, each with the node it shows (None for heads, ends and regions)."""
    state = f" state({_binders(s.value for s in graph.state)})" if graph.state else ""
    yield f"graph @{_name(graph.name)}({_binders(graph.inputs)}){state} {{", None
    yield from _nodes(graph, "  ", locs)
    yield f"  return {_values(graph.outputs)}".rstrip(), None
    for slot in graph.state:
        if slot.update is not None:
            yield f"  update {show_value(slot.value)} = {show_value(slot.update)}", None
    yield "}", None


def _nodes(graph: Graph, indent: str, locs: bool) -> Iterator[tuple[str, Node | None]]:
    for node in graph.nodes:
        place = ""
        if locs and node.loc is not None:
            place = f"  @ {quote(node.loc.file)}:{node.loc.line}:{node.loc.col}"
        opening = " {" if node.regions else ""
        yield indent + node_text(node) + place + opening, node
        for label, region in node.regions.items():
            yield f"{indent}  {label}({_binders(region.inputs)}) {{", None
            yield from _nodes(region, indent + "    ", locs)
            yield f"{indent}    yield {_values(region.outputs)}".rstrip(), None
            yield f"{indent}  }}", None
        if node.regions:
            yield f"{indent}}}", None


def node_text(node: Node) -> str:
    """One node without its regions: ``%h: f32[B, 4] = matmul %x, %w``."""
    results = f"{_binders(node.outputs)} = " if node.outputs else ""
    attrs = shown_attrs(node)
    listed = f" {{{', '.join(f'{k}={v}' for k, v in attrs.items())}}}" if attrs else ""
    operands = f" {_values(node.inputs)}" if node.inputs else ""
    return f"{results}{node.op.name}{listed}{operands}"


def shown_attrs(node: Node) -> dict[str, str]:
    """The attributes that differ from the op's defaults, sorted, as text."""
    defaults = getattr(node.op, "attrs", {})
    texts = {name: literal(node.attrs[name]) for name in sorted(node.attrs)}
    return {k: v for k, v in texts.items() if k not in defaults or v != literal(defaults[k])}


def show_value(value: Value) -> str:
    return f"%{_name(value.name)}"


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else quote(name)


def _binders(values: Iterable[Value]) -> str:
    return ", ".join(f"{show_value(v)}: {v.type}" for v in values)


def _values(values: Iterable[Value]) -> str:
    return ", ".join(map(show_value, values))


# --- fingerprints ---------------------------------------------------------------------------------


def fingerprint(graph: Graph) -> str:
    """A hash of what the graph computes, whatever its values and it are called."""
    return hashlib.sha256(_canonical(graph).encode()).hexdigest()


def _canonical(graph: Graph) -> str:
    """The text with values numbered in the order they are made."""
    number: dict[Value, int] = {}
    for value in (*graph.parameters, *(v for n in graph.nodes for v in n.outputs)):
        number[value] = len(number)

    def listed(values: Iterable[Value]) -> str:
        return ",".join(str(number[v]) for v in values)

    parts = [f"({len(graph.inputs)};{','.join(str(v.type) for v in graph.parameters)})"]
    for node in graph.nodes:
        types = ",".join(str(v.type) for v in node.outputs)
        regions = ",".join(f"{k}:{g.fingerprint}" for k, g in node.regions.items())
        parts.append(
            f"{types}={node.op.name}{shown_attrs(node)}({listed(node.inputs)}){{{regions}}}"
        )
    updates = (f"{number[s.value]}={number[s.update]}" for s in graph.state if s.update is not None)
    return "\n".join([*parts, listed(graph.outputs), *updates])
