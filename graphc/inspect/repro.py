"""One kernel as a Python file that runs without the user's program: for bug reports and study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graphc.ir.graph import Graph, Node
from graphc.runtime.plan import Step

FILE = '''"""{title}

Run this file: the compiled kernel is compared with the reference interpreter on random values, then
timed. What graphc compiles is in the comment at the end.
"""

import graphc

GRAPH = """\\
{graph}
"""
SIZES = {sizes!r}

if __name__ == "__main__":
    program = graphc.parse(GRAPH)
    arrays = program.random_inputs(seed=0, **SIZES)
    for value, result in zip(program.outputs, program.run(*arrays), strict=True):
        print(value, result, sep="\\n")
    print(program.time(*arrays))

{kernel}
'''


def kernel_file(step: Step, sizes: Mapping[str, int], path: str | Path) -> Path:
    """Write the kernel behind a step of a plan to ``path``; ``ValueError`` if it has none."""
    if step.node is None or step.kind != "kernel":
        raise ValueError(f"`{step}` is no kernel: there is nothing to write")
    node = step.node
    graph = _alone(node)
    symbols = {s for v in graph.inputs for s in v.type.symbols}
    where = f", {node.loc.file}:{node.loc.line}" if node.loc else ""
    names = ", ".join(f"%{v.name}" for v in node.outputs)
    text = step.kernel.annotated if step.kernel is not None else step.text
    made = Path(path)
    made.write_text(
        FILE.format(
            title=f"The kernel of {names} = {node.op.name}{where}.",
            graph=str(graph).replace("\\", "\\\\"),
            sizes={s: sizes[s] for s in sorted(symbols)},
            kernel="\n".join(f"# {line}".rstrip() for line in text.splitlines()),
        ),
        encoding="utf-8",
    )
    return made


def computed(step: Step) -> set[str]:
    """The names of the values that a step computes, those inside a fused kernel too."""
    if step.node is None:
        return set()
    inside = (n for g in step.node.regions.values() for n in g.walk())
    return {value.name for node in (step.node, *inside) for value in node.outputs}


def _alone(node: Node) -> Graph:
    """A node as a graph of its own: its operands are the inputs."""
    return Graph(node.op.name, tuple(dict.fromkeys(node.inputs)), (node,), node.outputs)
