"""The table of docs/operations.md: what of TensorFlow is there, and what is compared with it.

``python -m tests.namespaces.table`` writes it anew, from the recorded names, calls and sweeps.
"""

from __future__ import annotations

import re
from pathlib import Path

import graphc as tf
from tests.namespaces import errors, sweep
from tests.namespaces.names import NAMESPACES, find, names
from tests.namespaces.oracle import CALLS, GRADIENTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
START, END = "<!-- table: python -m tests.namespaces.table -->", "<!-- end of table -->"


def used(lines: list[str]) -> set[str]:
    """The names that lines call: ``tf.math.exp(x)`` has ``math.exp``."""
    return {name for line in lines for name in re.findall(r"\btf\.([\w.]+)", line)}


def compared() -> set[str]:
    """The names whose values are compared with TensorFlow's, by any of their names."""
    swept = {*sweep.UNARY, *sweep.BINARY, *sweep.REDUCTIONS, "cast", "saturate_cast"}
    return swept | used(CALLS)


def alike(known: set[str]) -> set[str]:
    """All names of the functions that ``known`` names: ``math.exp`` is ``exp``."""
    functions = [find(tf, n) for n in known]  # held, so that their ids are theirs
    ids = {id(f) for f in functions if f is not None}
    return {n for n in names() if id(find(tf, n)) in ids}


def table() -> str:
    values, slopes = alike(compared()), alike(used(GRADIENTS))
    wrong = alike(used([line for _, line in errors.recorded()]))
    heads = ("namespace", "names", "there", "values compared", "gradients", "errors")
    rows = [f"| {' | '.join(heads)} |", "| --- " + "| ---: " * 5 + "|"]
    for space in ("", *NAMESPACES):
        own = [n for n in names() if n.rpartition(".")[0] == space]
        there = {n for n in own if find(tf, n) is not None}
        counts = (len(own), len(there), *(len(there & s) for s in (values, slopes, wrong)))
        label = f"tf.{space}" if space else "tf"
        rows.append(f"| `{label}` | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(rows)


def written() -> str:
    """The table as the document has it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(START)[2].partition(END)[0].strip()


def write() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{START}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
