"""Files and functions stay small enough to read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
FOLDERS = ("graphc", "tests", "notebooks")
FILE_LINES, FUNCTION_LINES = 600, 60


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the length in lines and the place of each function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            yield (node.end_lineno or node.lineno) - node.lineno + 1, place


def table() -> str:
    """Return files, lines and function lengths per folder, for a failing test to show."""
    rows = [f"{'folder':28}{'files':>6}{'lines':>8}{'median fn':>11}{'longest fn':>11}"]
    groups: dict[str, list[Path]] = {}
    for path in sources():
        groups.setdefault("/".join(path.relative_to(ROOT).parts[:-1][:2]), []).append(path)
    for folder, paths in groups.items():
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
        lengths = [length for path in paths for length, _ in functions(path)] or [0]
        rows.append(f"{folder:28}{len(paths):6}{lines:8}{median(lengths):11.0f}{max(lengths):11}")
    return "\n".join(rows)


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    long = [f"{p.relative_to(ROOT)}: {n} lines" for p, n in lengths.items() if n > FILE_LINES]
    assert not long, f"over {FILE_LINES} lines: split by meaning\n" + "\n".join([*long, table()])


def test_no_function_is_too_long() -> None:
    found = [(n, place) for path in sources() for n, place in functions(path)]
    long = [f"{place}: {n} lines" for n, place in sorted(found, reverse=True) if n > FUNCTION_LINES]
    assert not long, f"over {FUNCTION_LINES} lines\n" + "\n".join([*long, table()])
