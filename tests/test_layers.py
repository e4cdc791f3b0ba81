"""Imports point one way: a module sees only lower layers and its own folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "graphc"

LAYERS = {
    0: "config errors",
    1: "ir formats",
    2: "ops autograph",
    3: "trace",
    4: "passes runtime",
    5: "function",
    6: "inspect api",
    7: "toplevel math nn linalg random strings bitwise debugging control_flow signal sparse"
    " ragged dtypes autodiff io version sysconfig quantization",
    8: "compat test module data image lookup train summary",
    9: "keras",
    11: "demo",
    12: "cli",
    13: "__main__",
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names.split()}
# From here on up, code is written as a user would write it: `import graphc`.
PUBLIC_FROM = 8
# (importing module, imported part): why the upward import inside a function has to be.
UPWARD_IN_FUNCTIONS = {
    ("function/polymorphic", "inspect"): "f.explain() and how f displays itself in a notebook",
}


def imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield line, dotted graphc module and whether it stands inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the import from graphc"
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "graphc" else [base]
        for name in names:
            if name.split(".")[0] == "graphc":
                yield node.lineno, name, id(node) in inner


def violations(path: Path) -> Iterator[str]:
    """Yield one line per import that does not point down."""
    module = path.relative_to(PACKAGE).with_suffix("")
    home = module.parts[0]
    if home == "__init__":  # the public surface may show everything
        return
    if home not in LAYER_OF:
        yield f"graphc/{module}.py: {home!r} has no layer yet; give it one in tests/test_layers.py"
        return
    for line, name, in_function in imports(path):
        parts = name.split(".")
        part = parts[1] if len(parts) > 1 else ""
        where = f"graphc/{module}.py:{line} (layer {LAYER_OF[home]}) imports {name}"
        if part not in LAYER_OF:
            if LAYER_OF[home] < PUBLIC_FROM:
                yield f"{where}: only layers from {PUBLIC_FROM} up may use the public names"
        elif part != home and LAYER_OF[part] >= LAYER_OF[home]:
            allowed = in_function and (str(module.as_posix()), part) in UPWARD_IN_FUNCTIONS
            if not allowed:
                yield f"{where}, which is in layer {LAYER_OF[part]}"


def test_imports_point_down() -> None:
    found = [line for path in sorted(PACKAGE.rglob("*.py")) for line in violations(path)]
    assert not found, "\n" + "\n".join(found)


def test_the_guard_sees_a_violation(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tests.test_layers.PACKAGE", tmp_path)
    for folder in ("ir", "trace"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ir" / "graph.py").write_text("def f():\n    from graphc.trace import tape\n")
    (tmp_path / "trace" / "tape.py").write_text("import graphc\nfrom graphc.ir import graph\n")
    (tmp_path / "mystery.py").write_text("")
    found = [line for path in sorted(tmp_path.rglob("*.py")) for line in violations(path)]
    assert [line.split(" ")[0] for line in found] == [
        "graphc/ir/graph.py:2",
        "graphc/mystery.py:",
        "graphc/trace/tape.py:1",
    ]
