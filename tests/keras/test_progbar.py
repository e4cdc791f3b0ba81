"""The progress bar's lines are Keras's, in terminals and in logs."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

import pytest

from graphc.keras.utils import Progbar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_the_finished_line_only(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(20)
    for step in range(20):
        bar.update(step + 1, [("loss", 1.0 if step < 10 else 0.0)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"20/20 \[={30}\] - 0s \d+(us|ms)/step - loss: 0.5000", lines[0])


def test_a_terminal_is_redrawn() -> None:
    with redirect_stdout(Terminal()) as terminal:
        bar = Progbar(200, interval=0)
        bar.add(100, [("loss", 2.0)])
        bar.add(100, [("loss", 1.0)])
    first, second = terminal.getvalue().split("\r")[1:]
    assert first == "100/200 [==============>...............] - ETA: 0s - loss: 2.0000"
    assert second.startswith("200/200 [==============================] - 0s ")
    assert second.rstrip(" \n").endswith("loss: 1.5000") and second.endswith("\n")
    assert len(second.rstrip("\n")) >= len(first), "what was there before is painted over"


def test_drawing_is_limited() -> None:
    with redirect_stdout(Terminal()) as terminal:
        bar = Progbar(1000, interval=60)
        for step in range(999):
            bar.update(step + 1)
    assert terminal.getvalue().count("\r") == 1


def test_stateful_metrics_and_small_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(2, stateful_metrics=["accuracy"])
    bar.update(1, [("accuracy", 0.25), ("loss", 1e-5)])
    bar.update(2, [("accuracy", 0.75), ("loss", 3e-5)])
    assert capsys.readouterr().out.endswith(" - accuracy: 0.7500 - loss: 2.0000e-05\n")


def test_unknown_target_silence_and_one_line() -> None:
    with redirect_stdout(Terminal()) as terminal:
        Progbar(None, interval=0).update(7)
        Progbar(1, verbose=0).update(1)
        assert terminal.getvalue() == "\r      7/Unknown - 0s"
        Progbar(1, verbose=2).update(1)
    assert re.search(r"1/1 - 0s \d+us/step\n$", terminal.getvalue())


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10s"), (100, "1:39"), (10000, "2:45:00"), (0.1, "0s")]
)
def test_remaining_time(seconds: float, text: str) -> None:
    bar = Progbar(100)
    assert bar._remaining(1, bar._start + seconds / 100) == f" - ETA: {text}"
