"""The notebooks run from top to bottom, and the stored ones show what their sources say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(path for path in NOTEBOOKS.glob("*.py") if path.name[0].isdigit())
IDS = [path.stem for path in SOURCES]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    for needed in ("jupytext", "nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(needed)
    spec = importlib.util.spec_from_file_location("build_notebooks", NOTEBOOKS / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=IDS)
@pytest.mark.filterwarnings("default")  # the notebook client's own warnings are not ours
def test_notebook_runs(
    build: ModuleType, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = build.execute(source)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert codes and all(cell.execution_count for cell in codes)


@pytest.mark.parametrize("source", SOURCES, ids=IDS)
def test_stored_notebook_has_the_cells_of_its_source(build: ModuleType, source: Path) -> None:
    stored = build.nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    expected = build.jupytext.read(source)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in expected.cells]
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    assert outputs, "build it with its outputs: python notebooks/build.py"
    text = str(outputs)
    assert "<script" not in text and "application/javascript" not in text
