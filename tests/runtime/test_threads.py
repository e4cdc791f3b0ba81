"""Helpers that take pieces of a kernel's work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from graphc import config
from graphc.passes.fuse import fuse
from graphc.runtime import convolution, threads
from graphc.runtime.executable import Executable
from tests.runtime.graphs import Build

G = np.random.default_rng(5)
ARRAYS = [G.normal(size=s).astype("f4") for s in ((9, 12, 12, 4), (3, 3, 4, 8))]


@pytest.fixture(autouse=True)
def _many_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(convolution, "WORK", 0)
    before = config.threading.get_intra_op_parallelism_threads()
    config.threading.set_intra_op_parallelism_threads(3)
    yield
    config.threading.set_intra_op_parallelism_threads(before)


def convolution_graph() -> Executable:
    g = Build()
    x, w = g.input(9, 12, 12, 4), g.input(3, 3, 4, 8, name="w")
    attrs = {"strides": (1, 1), "dilations": (1, 1), "padding": "SAME", "groups": 1}
    out = g.conv(x, w, **attrs)
    by_filters = g.conv_by_filters(x, out, size=(3, 3), **attrs)
    return Executable(fuse(g.done(out, by_filters)))


def jobs() -> int:
    return int(threads._memory[threads.JOB])


def test_results_are_the_same_for_any_number_of_threads() -> None:
    executable = convolution_graph()
    found = []
    for count in (1, 2, 3, 7):
        config.threading.set_intra_op_parallelism_threads(count)
        found.append(executable.run(ARRAYS, []))
    for results in found[1:]:
        for a, b in zip(found[0], results, strict=True):
            np.testing.assert_array_equal(a, b)


def test_helpers_are_asked_only_if_there_may_be_some() -> None:
    executable = convolution_graph()
    executable.run(ARRAYS, [])
    before = jobs()
    executable.run(ARRAYS, [])
    assert jobs() == before + 2
    config.threading.set_intra_op_parallelism_threads(1)
    executable.run(ARRAYS, [])
    assert jobs() == before + 2


def test_helpers_do_pieces() -> None:
    """Each leaves the number of the last piece in its slots; the caller does the first."""
    executable = convolution_graph()
    executable.run(ARRAYS, [])
    for desk in threads._desks:
        desk[threads.PIECE] = -1
    for _ in range(2000):
        executable.run(ARRAYS, [])
        if any(desk[threads.PIECE] > 0 for desk in threads._desks):
            return
    raise AssertionError("no helper ever took a piece")


def test_calls_from_many_python_threads_do_not_disturb_each_other() -> None:
    executable = convolution_graph()
    expected = executable.run(ARRAYS, [])
    wrong: list[int] = []

    def call(number: int) -> None:
        mine = [a * np.float32(2**number) for a in ARRAYS[:1]] + ARRAYS[1:]
        for _ in range(30):
            if not np.array_equal(executable.run(mine, [])[0], expected[0] * np.float32(2**number)):
                wrong.append(number)

    callers = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not wrong and not any(caller.is_alive() for caller in callers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_computes_on() -> None:
    executable = convolution_graph()
    expected = executable.run(ARRAYS, [])
    child = os.fork()
    if child == 0:
        same = all(map(np.array_equal, executable.run(ARRAYS, []), expected))
        same = same and all(map(np.array_equal, convolution_graph().run(ARRAYS, []), expected))
        os._exit(0 if same and len(threads._desks) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_environment_says_how_many_threads() -> None:
    code = "from graphc import config; print(config.threads())"
    for variables, expected in (
        ({"GRAPHC_THREADS": "3", "OMP_NUM_THREADS": "2"}, "3"), ({"OMP_NUM_THREADS": "2"}, "2"),
        ({"GRAPHC_THREADS": "none"}, str(len(os.sched_getaffinity(0)))),
    ):  # fmt: skip
        rest = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
        answer = subprocess.run([sys.executable, "-c", code], env={**rest, **variables}, text=True,
                                check=True, capture_output=True)  # fmt: skip
        assert answer.stdout.strip() == expected


def test_tensorflows_settings() -> None:
    threading = config.threading
    assert threading.get_intra_op_parallelism_threads() == config.threads() == 3
    threading.set_intra_op_parallelism_threads(0)
    assert threading.get_intra_op_parallelism_threads() == 0 < config.threads()
    assert threading.get_inter_op_parallelism_threads() == 0
    threading.set_inter_op_parallelism_threads(2)
    assert threading.get_inter_op_parallelism_threads() == 2
    threading.set_inter_op_parallelism_threads(0)
    with pytest.raises(ValueError, match="negative"):
        threading.set_intra_op_parallelism_threads(-1)
    with pytest.raises(TypeError, match="integer"):
        threading.set_intra_op_parallelism_threads("two")  # type: ignore[arg-type]
