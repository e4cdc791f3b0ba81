"""Graphs and kernels as files: what is saved runs again, elsewhere, and gives the same."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import graphc as tf
from graphc.cli import main
from tests.inspect import steps
from tests.inspect.steps import step

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def test_the_text_of_a_graph_runs() -> None:
    program = tf.parse(str(step.graph(X)))
    w = np.full((3, 2), 0.5, np.float32)
    loss, updated = program.run(X, w)
    np.testing.assert_allclose(loss, np.mean(np.tanh(X @ w) ** 2), rtol=1e-5)
    assert updated.shape == (3, 2) and not np.array_equal(updated, w)
    fused = program.optimized("fold, cse, dce, fuse, dce")
    np.testing.assert_allclose(fused.run(X, w)[0], loss, rtol=1e-6)
    assert "a call" in program.time(X, w) and "<svg" in program._repr_html_()


def test_a_saved_report_is_replayed_with_its_values(tmp_path, capsys) -> None:
    text, values = step.explain(X).save(tmp_path / "bug.ir")
    assert text.name == "bug.ir" and values.name == "bug.npz"
    assert main(["run", str(text), "--passes", "fuse"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("%loss =\n") and f"{_loss():.6f}"[:6] in shown
    assert main(["run", str(text), "--seed", "3"]) == 0
    assert capsys.readouterr().out != shown


def _loss() -> float:
    w = steps.w.numpy()
    return float(np.mean(np.tanh(X @ w) ** 2))


def test_damaged_values_are_told(tmp_path, capsys) -> None:
    text, values = step.explain(X).save(tmp_path / "bug.ir")
    values.write_bytes(values.read_bytes()[:50])
    assert main(["run", str(text)]) == 1
    assert capsys.readouterr().err.startswith("graphc: error: ")


def test_a_kernel_runs_as_a_file_of_its_own(tmp_path) -> None:
    path = step.explain(X).repro("%hidden", tmp_path / "kernel.py")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "a call, the mean of" in done.stdout and "%loss: f32[]" in done.stdout


def test_only_kernels_can_be_written() -> None:
    @tf.function
    def f(x):
        ordered = tf.linalg.det(x)
        return ordered + 1.0

    report = f.explain(tf.eye(2))
    with pytest.raises(ValueError, match="is no kernel"):
        report.repro("ordered", "nowhere.py")
    with pytest.raises(KeyError, match="no step computes %nothing"):
        report.repro("nothing", "nowhere.py")
