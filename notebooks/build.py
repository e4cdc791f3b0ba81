"""Build each .ipynb, with its outputs, from the Python file: `python notebooks/build.py`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).parent
SOURCES = sorted(path for path in HERE.glob("*.py") if path.name[0].isdigit())


def execute(source: Path, timeout: int = 600) -> NotebookNode:
    """Return the notebook with the outputs of a fresh kernel that runs this interpreter."""
    notebook = jupytext.read(source)
    with tempfile.TemporaryDirectory() as home:
        # The user's own IPython start-up files and kernels must not change what comes out.
        os.environ["IPYTHONDIR"] = home
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(HERE)}},
        )
        client.km = client.create_kernel_manager()
        client.km.kernel_spec.argv[0] = sys.executable
        client.execute()
    return notebook


def stable(notebook: NotebookNode) -> NotebookNode:
    """Number the cells and leave out run times, so that a rebuild changes only outputs."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.pop("language_info", None)
    return notebook


def main() -> None:
    for source in SOURCES:
        nbformat.write(stable(execute(source)), source.with_suffix(".ipynb"))
        print(source.with_suffix(".ipynb").name)


if __name__ == "__main__":
    main()
