"""The command line: what it does, and one clear line for what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from graphc import config
from graphc.cli import PARTS, main

GRAPH = "graph @f(%x: f32[B, 3]) {\n  %y: f32[B, 3] = tanh %x\n  return %y\n}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--learning-rate", "nan"], "must be a finite number above 0, not nan"),
        (["demo", "--learning-rate", "inf"], "must be a finite number above 0, not inf"),
        (["demo", "--learning-rate", "-1"], "must be a finite number above 0, not -1"),
        (["demo", "--learning-rate", "0"], "must be a finite number above 0, not 0"),
        (["demo", "--learning-rate", "fast"], "not a number: 'fast'"),
        (["demo", "--batch-size", "0"], "must be at least 1, not 0"),
        (["demo", "--batch-size", "6.5"], "not a number: '6.5'"),
        (["demo", "--epochs", "-3"], "must be at least 1, not -3"),
        (["demo", "--seed", "-1"], "must be from 0 to 4294967295, not -1"),
        (["explain", "step"], "write it as module:function, not 'step'"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "required: command"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message in error and error.count("\n") == 1


def test_a_batch_larger_than_the_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--batch-size", "5000"]) == 2
    captured = capsys.readouterr()
    assert "batch size 5000 must be from 1 to 1438" in captured.err
    assert "Traceback" not in captured.err


def test_a_loss_that_is_not_finite_stops_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--learning-rate", "1e38", "--epochs", "3"]) == 1
    assert "with learning rate 1e+38; try a smaller one" in capsys.readouterr().err


def test_demo_reaches_its_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    output = capsys.readouterr().out
    bars = [line for line in output.splitlines() if "test accuracy" in line]
    assert len(bars) == 4, "two models, each eager and as a graph"
    accuracies = [float(line.split("test accuracy: ")[1]) for line in bars]
    assert min(accuracies) >= 0.95
    losses = [float(line.split("loss: ")[1].split(" ")[0]) for line in bars]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[2] == pytest.approx(losses[3], rel=0.02)
    assert "speed-up" in output and "Where to look next" in output


def test_cache_shows_and_clears(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("a.kernel", "b.kernel", "k_a.py"):
        (tmp_path / name).write_bytes(b"0" * 50_000)
    with config.override(cache_dir=tmp_path):
        assert main(["cache", "--list"]) == 0
        shown = capsys.readouterr().out
        assert "a.kernel" in shown and shown.endswith(f"2 kernels, 0.1 MB in {tmp_path}\n")
        assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"0 kernels, 0.0 MB in {tmp_path}\n"
    assert not list(tmp_path.iterdir())


def test_explain_a_function_of_a_module(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "explained_here.py").write_text(
        "import graphc as tf\n\nx = tf.ones([2, 3])\n\n\ndef f(a, k):\n    return tf.tanh(a) * k\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["explain", "explained_here:f", "x", "2.0"]) == 0
    assert "tanh" in capsys.readouterr().out
    assert main(["explain", "explained_here:g"]) == 2
    assert "no attribute 'g'" in capsys.readouterr().err
    assert main(["explain", "not_there_at_all:f"]) == 2
    assert "No module named 'not_there_at_all'" in capsys.readouterr().err


def test_a_graph_in_a_file_is_shown_and_run(tmp_path, capsys) -> None:
    path = tmp_path / "f.ir"
    path.write_text(GRAPH, encoding="utf-8")
    assert main(["show", str(path), "--passes", "fuse"]) == 0
    assert "fused" in capsys.readouterr().out
    assert main(["run", str(path)]) == 0
    assert "%y =" in capsys.readouterr().out
    path.write_text("graph @f(%x: f32[3]) {\n  %y: f32[3] = no_such_op %x\n  return %y\n}\n")
    assert main(["show", str(path)]) == 2
    assert "no_such_op" in capsys.readouterr().err


@pytest.fixture
def module(tmp_path, monkeypatch) -> str:
    text = (
        "import graphc as tf\n\n\n@tf.function\ndef twice(x):\n    y = x * 2.0\n    return y\n\n\n"
        "x = tf.ones([3])\n"
    )
    (tmp_path / "told.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "told", raising=False)
    return "told:twice"


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_report_can_be_had_alone(part: str, module, capsys) -> None:
    assert main(["explain", module, "x", "--part", part]) == 0
    shown = capsys.readouterr().out
    assert part in ("why", "retraces") or shown.strip()


def test_a_report_as_json_and_as_a_page(module, capsys, tmp_path) -> None:
    page = tmp_path / "report.html"
    assert main(["explain", module, "x", "--json", "--html", str(page)]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == "twice(x: f32[3]) -> f32[3]"
    assert "<svg" in page.read_text() and "<script" not in page.read_text()


def test_a_function_is_measured_and_a_wrong_argument_told(module, capsys) -> None:
    assert main(["bench", module, "x"]) == 0
    assert "as fast" in capsys.readouterr().out
    assert main(["bench", module, "y"]) == 2
    assert capsys.readouterr().err == (
        "graphc: error: argument 'y': NameError: name 'y' is not defined\n"
    )


def test_a_graph_is_drawn(tmp_path, capsys) -> None:
    (tmp_path / "g.ir").write_text(GRAPH)
    assert main(["show", str(tmp_path / "g.ir"), "--svg", str(tmp_path / "g.svg")]) == 0
    assert (tmp_path / "g.svg").read_text().startswith("<svg") and not capsys.readouterr().out


def test_help_tells_examples_and_the_exit_status(capsys) -> None:
    for arguments in ([], ["demo"], ["bench"], ["explain"], ["show"], ["run"], ["cache"]):
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, "--help"])
        assert stopped.value.code == 0
        text = capsys.readouterr().out
        assert arguments or ("exit status: 0 done" in text and "examples:" in text)
