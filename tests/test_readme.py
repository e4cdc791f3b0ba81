"""What README and docs show is run: each document's python blocks in order, in one namespace."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = (
    "pip install -e . && python -m graphc demo",
    'pip install -e ".[test]" && python -m pytest',
)


def program(document: Path) -> str:
    """Return the document's python blocks, each on the lines where it stands in the document."""
    text = document.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for offset, line in enumerate(block[1].splitlines()):
            lines[first + offset] = line
    return "\n".join(lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_run(document: Path, tmp_path: Path) -> None:
    script = tmp_path / f"{document.stem}.py"  # a real file: AutoGraph reads the source
    script.write_text(program(document), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, f"{document.name} (lines are the document's):\n{result.stderr}"


def test_readme_names_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for command in COMMANDS:
        assert command in readme
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(command in ci for command in COMMANDS), "CI runs what the README says"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (document.parent / target).exists(), f"{document.name}: no {target}"


def test_every_error_has_its_line_in_the_manual() -> None:
    errors = importlib.import_module("graphc.errors")
    manual = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    names = [n for n, c in vars(errors).items() if isinstance(c, type) and not n.startswith("_")]
    missing = [name for name in names if f"`{name}`" not in manual]
    assert not missing, f"docs/errors.md does not explain {missing}"
