"""Functions called from many threads, from their own trace and from host steps."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf

pytestmark = pytest.mark.filterwarnings("ignore::graphc.errors.RetraceWarning")


def together(works: list[Callable[[], object]]) -> list[Exception]:
    """Run all at once; the exceptions that came, and one for each thread that does not end."""
    errors: list[Exception] = []
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(w,), daemon=True) for w in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors + [TimeoutError() for thread in threads if thread.is_alive()]


def test_one_trace_for_each_signature() -> None:
    traced = []

    @tf.function
    def f(x):
        traced.append(x.shape[0])
        return tf.reduce_sum(x * 2.0)

    def work(n):
        for _ in range(5):
            assert float(f(tf.ones([n]))) == 2.0 * n

    assert not together([lambda n=n: work(n % 12 + 1) for n in range(24)])
    assert sorted(traced) == list(range(1, 13)) and f.experimental_get_tracing_count() == 12


def test_one_variable_is_made() -> None:
    class Model:
        v = None

        @tf.function
        def call(self, x):
            if self.v is None:
                self.v = tf.Variable(0.0)
            return self.v.assign_add(x)

    model = Model()
    assert not together([lambda: model.call(tf.constant(1.0))] * 12)
    assert float(model.v) == 12.0


def test_functions_traced_in_parallel_do_not_disturb_each_other() -> None:
    def work(n):
        @tf.function
        def f(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for _ in range(n % 5 + 1):
                    y = y * x
            return tape.gradient(y, x)

        power = n % 5 + 2
        assert float(f(tf.constant(2.0))) == power * 2.0 ** (power - 1)

    assert not together([lambda n=n: work(n) for n in range(16)])


def test_functions_that_call_one_another_do_not_wait_for_ever() -> None:
    meeting = threading.Barrier(2, timeout=20)
    met = set()

    def meet(name):
        if name not in met:  # each holds its own turn now, and will want the other's
            met.add(name)
            meeting.wait()

    @tf.function
    def first(x, n):
        meet("first")
        return second(x, n - 1) + 1.0 if n else x

    @tf.function
    def second(x, n):
        meet("second")
        return first(x, n - 1) + 10.0 if n else x

    found = {}
    errors = together([
        lambda: found.update(a=float(first(tf.constant(0.0), 3))),
        lambda: found.update(b=float(second(tf.constant(0.0), 3))),
    ])  # fmt: skip
    assert not errors and found == {"a": 12.0, "b": 21.0}


def test_an_error_in_one_thread_is_its_own() -> None:
    @tf.function
    def f(x, n):
        if n % 2:
            raise KeyError(n)
        return x * float(n)

    def work(n):
        assert float(f(tf.constant(1.0), n)) == n

    errors = together([lambda n=n: work(n) for n in range(12)])
    assert sorted(e.args[0] for e in errors) == [1, 3, 5, 7, 9, 11]
    assert all(isinstance(e, KeyError) for e in errors)
    assert f.experimental_get_tracing_count() == 6
    work(2)


def test_recursion_while_tracing() -> None:
    @tf.function
    def total(n):
        return tf.constant(0) if n <= 0 else total(n - 1) + n

    assert int(total(4)) == 10 and total.experimental_get_tracing_count() == 5


def test_a_host_step_may_call_functions_and_change_variables() -> None:
    v = tf.Variable(0.0)

    @tf.function
    def inner(n):
        v.assign_add(1.0)
        return n - 1

    @tf.function
    def outer(n):
        return tf.py_function(lambda m: outer(inner(m)) if int(m) > 0 else m, [n], tf.int32)

    def work():
        assert int(outer(tf.constant(3))) == 0

    assert not together([work] * 4)
    assert float(v) == 12.0


def test_stateful_calls_and_new_traces_at_once() -> None:
    v = tf.Variable(np.zeros(3, np.float32))

    @tf.function
    def add(x):
        v.assign_add(tf.reduce_sum(x) * tf.ones([3]))
        return v

    assert not together([lambda n=n: add(tf.ones([n])) for n in range(1, 13)])
    assert v.numpy().tolist() == [78.0] * 3
