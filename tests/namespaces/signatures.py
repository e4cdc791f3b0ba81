"""The parameter names of TensorFlow's functions, recorded once.

``python -m tests.namespaces.signatures`` (where tensorflow is installed) writes signatures.txt
anew for the functions that graphc lists.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RECORD = FOLDER / "signatures.txt"
PACKAGE = FOLDER.parents[1] / "graphc"
MODULES = (
    "toplevel", "math", "math.special", "nn", "linalg", "random", "random.experimental",
    "debugging", "bitwise", "strings", "ragged", "signal", "sparse",
    "quantization",
)  # fmt: skip


def listed(module: str) -> list[str]:
    """``__all__`` of a namespace, read without importing it."""
    base = PACKAGE.joinpath(*module.split("."))
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{module} has no __all__")


def names() -> list[str]:
    """Dotted names as users write them after ``tf.``."""
    return [n if m == "toplevel" else f"{m}.{n}" for m in MODULES for n in listed(m)]


def find(tf: Any, name: str) -> Any:
    for part in name.split("."):
        tf = getattr(tf, part, None)
    return tf


def parameters(function: Any) -> list[str]:
    found = inspect.signature(function).parameters.values()
    return [f"{'*' * max(p.kind - 1, 0) if p.kind in (2, 4) else ''}{p.name}" for p in found]


def recorded() -> dict[str, list[str]]:
    rows = (line.split(":") for line in RECORD.read_text(encoding="utf-8").splitlines())
    return {name: text.replace(" ", "").split(",") if text.strip() else [] for name, text in rows}


def record() -> None:
    import tensorflow as tf

    known = [name for name in names() if find(tf, name) is not None]
    rows = [f"{name}: {', '.join(parameters(find(tf, name)))}" for name in known]
    RECORD.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
