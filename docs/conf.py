"""The site: `pip install -e ".[docs]" && sphinx-build docs docs/_build`. It needs no network.

Pages for names and for errors are written when it is built, from the docstrings.
"""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import graphc
from graphc import errors

HERE = Path(__file__).parent
GENERATED = HERE / "_generated"

project = "graphc"
release = graphc.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "graphc"
nb_execution_mode = "off"  # notebooks are stored with their outputs
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "undoc-members": False}
# Links of the pages to files of the repository are meant for readers of the repository.
suppress_warnings = [
    "myst.xref_missing",
    "myst.header",
    "mystnb.unknown_mime_type",
    "docutils",
    "ref.python",
]

NAMESPACES = (
    "", "math", "linalg", "nn", "random", "strings", "signal", "bitwise", "ragged", "sparse",
    "sets", "image", "io", "lookup", "debugging", "config", "autograph", "data", "summary", "keras",
    "keras.layers", "keras.losses", "keras.metrics", "keras.optimizers", "keras.callbacks",
    "keras.initializers", "keras.regularizers", "keras.constraints", "keras.utils",
    "keras.backend",
)  # fmt: skip


def setup(app: Any) -> None:
    app.connect("builder-inited", lambda app: write_pages())


def write_pages() -> None:
    """Write what is not written by hand: notebooks, a page a namespace, a page an error."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    for folder in ("api", "errors", "notebooks"):
        (GENERATED / folder).mkdir(parents=True)
    for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, GENERATED / "notebooks")
    for name in NAMESPACES:
        module = _namespace(name)
        if module is not None:
            _write("api", f"graphc.{name}".rstrip("."), _api_page(name, module))
    for name, kind in sorted(vars(errors).items()):
        if inspect.isclass(kind) and issubclass(kind, Exception | Warning):
            _write("errors", name, _error_page(kind))


def _namespace(name: str) -> Any:
    found: Any = graphc
    for part in filter(None, name.split(".")):
        found = getattr(found, part, None)
    return found


def _api_page(name: str, module: ModuleType) -> str:
    """A list of the names, then each with its docstring."""
    title = f"graphc.{name}".rstrip(".")
    doc = inspect.getdoc(module) or ""
    names = sorted(getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"])
    entries = []
    for each in names:
        found = getattr(module, each, None)
        own = getattr(found, "__module__", None) or ""
        if own.startswith("graphc") and (inspect.isroutine(found) or inspect.isclass(found)):
            kind = "autoclass" if inspect.isclass(found) else "autofunction"
            entries.append(f".. {kind}:: {title}.{each}\n")
    return f"# {title}\n\n```{{eval-rst}}\n{doc}\n\n" + "\n".join(entries) + "\n```\n"


def _error_page(kind: type) -> str:
    bases = ", ".join(b.__name__ for b in kind.__mro__[1:-1] if b is not BaseException)
    return f"# {kind.__name__}\n\n{inspect.getdoc(kind)}\n\nIt is also a {bases}.\n"


def _write(folder: str, name: str, text: str) -> None:
    (GENERATED / folder / f"{name}.md").write_text(text, encoding="utf-8")
