"""Compiled programs against the interpreter: random programs, sizes, errors, threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc import config
from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.passes.fuse import fuse
from graphc.runtime.executable import Executable
from tests.runtime.graphs import Build, check
from tests.runtime.programs import random_inputs, random_program

B = dims.symbol("B")


@settings(max_examples=30)
@given(st.integers(0, 10**9))
def test_random_programs_compute_what_the_interpreter_computes(seed: int) -> None:
    graph = random_program(seed)
    arrays = random_inputs(graph, seed)
    count = len(graph.inputs)
    check(graph, arrays[:count], arrays[count:], tol=2e-5)


def test_one_executable_serves_all_sizes() -> None:
    g = Build()
    x = g.input(B, 3)
    executable = Executable(fuse(g.done(g.reduce_sum(g.square(x), axis=(1,)))))
    for rows in (3, 0, 5, 3):
        array = np.full((rows, 3), 2, np.float32)
        np.testing.assert_allclose(executable.run([array], [])[0], np.full(rows, 12))


def test_inputs_are_never_changed_and_results_never_shared() -> None:
    g = Build()
    x = g.input(3)
    executable = Executable(fuse(g.done(x, g.reshape(x, shape=(3, 1)), g.negative(x))))
    array = np.arange(3, dtype=np.float32)
    first, second = executable.run([array], []), executable.run([array], [])
    for out in first:
        out[...] = 9
    np.testing.assert_array_equal(array, [0, 1, 2])
    np.testing.assert_array_equal(second[0], [0, 1, 2])


def test_strided_inputs_are_accepted() -> None:
    g = Build()
    x = g.input(2, 3)
    executable = Executable(fuse(g.done(g.add(x, x))))
    array = np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2].T
    np.testing.assert_array_equal(executable.run([array], [])[0], array + array)


def failing() -> Executable:
    g = Build()
    w, x, i = g.variable(3), g.input(4, 3), g.input(dtype="int32", name="i")
    g.assign(w, g.add(w, g.gather(x, i, axis=0)))
    return Executable(fuse(g.done()))


def test_a_failure_names_the_users_line_and_leaves_state_alone() -> None:
    executable, w = failing(), np.zeros(3, np.float32)
    x = np.ones((4, 3), np.float32)
    with pytest.raises(InvalidArgumentError, match=r"7 is not in \[0, 4\)") as caught:
        executable.run([x, np.array(7, np.int32)], [w])
    assert any("user.py" in note for note in caught.value.__notes__)
    np.testing.assert_array_equal(w, 0)
    executable.run([x, np.array(1, np.int32)], [w])
    np.testing.assert_array_equal(w, 1)


def test_integer_division_by_zero_is_an_error() -> None:
    g = Build()
    x, y = g.input(3, dtype="int32"), g.input(3, dtype="int32")
    executable = Executable(fuse(g.done(g.floordiv(x, y))))
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        executable.run([np.ones(3, np.int32), np.array([1, 0, 1], np.int32)], [])


def test_an_error_on_the_host_leaves_state_alone() -> None:
    g = Build()
    w, x = g.variable(3, 3), g.input(3, 3)
    g.assign(w, g.add(w, g.cholesky(x)))
    executable, state = Executable(fuse(g.done())), np.zeros((3, 3), np.float32)
    with pytest.raises(InvalidArgumentError):
        executable.run([-np.eye(3, dtype=np.float32)], [state])
    np.testing.assert_array_equal(state, 0)
    executable.run([np.eye(3, dtype=np.float32)], [state])
    np.testing.assert_array_equal(state, np.eye(3))


def test_sizes_that_only_data_tells() -> None:
    g = Build()
    x = g.input(B)
    kept = g.boolean_mask(x, g.greater(x, g.constant(0.0)), axis=0, size=dims.symbol("k"))
    graph = g.done(g.add(kept, kept), g.reduce_sum(kept, axis=None))
    executable = Executable(fuse(graph))
    for values in ([1, -1, 2], [-1, -2], [3, 4, 5, 6]):
        array = np.array(values, np.float32)
        doubled, total = executable.run([array], [])
        np.testing.assert_array_equal(doubled, 2 * array[array > 0])
        assert total == array[array > 0].sum()
    assert [s.kind for s in executable.steps()].count("host") == 1


def test_threads_may_call_one_executable_at_once() -> None:
    g = Build()
    x = g.input(200, 30)
    h = x
    for _ in range(3):
        h = g.matmul(g.tanh(h), g.constant(np.eye(30)))
    executable = Executable(fuse(g.done(h)))
    wrong: list[float] = []

    def work(number: float) -> None:
        array = np.full((200, 30), number, np.float32)
        want = np.tanh(np.tanh(np.tanh(np.float32(number))))
        for _ in range(50):
            found = executable.run([array], [])[0]
            if not np.allclose(found, want, rtol=1e-5):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(0.1 * i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_without_compilation_graphs_are_interpreted() -> None:
    g = Build()
    w = g.variable(3)
    g.assign(w, g.add(w, w))
    with config.override(jit=False):
        executable = Executable(fuse(g.done(w)))
        state = np.ones(3, np.float32)
        np.testing.assert_array_equal(executable.run([], [state])[0], 1)
        np.testing.assert_array_equal(state, 2)


def test_steps_can_be_timed() -> None:
    g = Build()
    w, x = g.variable(3, 3), g.input(3, 3)
    g.assign(w, g.add(w, g.matmul(x, x)))
    executable, state = Executable(fuse(g.done())), np.zeros((3, 3), np.float32)
    times = executable.profile([np.eye(3, dtype=np.float32)], [state])
    assert [t.step.node.op.name for t in times if t.step.node] == ["matmul", "fused"]
    assert all(t.seconds >= 0 for t in times) and times[0].start < times[1].start
    np.testing.assert_array_equal(state, 0)


def test_denormal_numbers_are_kept() -> None:
    g = Build()
    x, w = g.input(40), g.variable(40)
    g.assign(w, g.multiply(w, g.constant(0.5)))
    tiny = np.float32(1e-45) * np.arange(40, dtype=np.float32)
    executable = check(g.done(g.add(x, x), g.exp(g.subtract(x, g.constant(100.0)))), [tiny], [tiny])
    assert executable.run([tiny], [tiny.copy()])[0][1] == 2 * tiny[1] > 0
