"""In a notebook, places are named by their cells."""

from __future__ import annotations

import pytest


def test_places_are_named_by_cells() -> None:
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell.instance()
    try:
        cell = "import graphc as tf\n@tf.function\ndef f(x):\n    h = x + 1.0\n    return h\n"
        shell.run_cell(cell, store_history=True)
        graph = shell.user_ns["f"].graph(shell.user_ns["tf"].constant(1.0))
        (node,) = [n for n in graph.nodes if n.op.name == "add"]
        assert str(node.loc) == "In[1]:4" and node in graph.at("In[1]:4")
        shell.run_cell("report = str(f.explain(tf.constant(1.0)).lines)", store_history=True)
        assert shell.user_ns["report"].startswith("In[1]\n line")
    finally:
        interactive.InteractiveShell.clear_instance()
