"""What staged code changes in place, wherever it is kept: the run decides, not the trace."""

from __future__ import annotations

import collections
import dataclasses

import pytest

import graphc as tf
from graphc import config, errors
from tests.trace.test_calls import check


@pytest.fixture(autouse=True)
def interpreted():
    with config.override(jit=False):
        yield


class Thing:
    def __init__(self):
        self.done, self.mode, self.n, self.v = False, "a", 0, None


class Configured:
    def __init__(self, x):
        if x > 0:
            self.a, self.b, self.flag, self.name = 1, x, True, "positive"
        else:
            self.a, self.b, self.flag, self.name = 2, -x, False, "other"


class Owner:
    def __init__(self):
        self.thing, self.row, self.sums, self.queue = Thing(), [0.0], {"k": 0.0}, []

    def hit(self, v):
        self.thing.n += 1
        self.row[0] = self.row[0] + v
        self.sums["k"] += v
        setattr(self.thing, "v", v)  # noqa: B010
        self.queue.append(v)


def attributes_set_in_both_branches(x):
    c = Configured(x)
    return c.a, c.b, c.flag, 1.0 if c.name == "positive" else 2.0


def flags_and_names(x):
    t = Thing()
    if x > 0:
        t.done, t.mode, t.n = True, "b", 5
    return t.done, t.n, 1.0 if t.mode == "a" else 2.0


def an_attribute_that_an_iteration_sets(x):
    t = Thing()
    while x > 0:
        t.last, t.current = 5, x
        t.n = t.n + 1 if t.current > 1 else t.n
        t.done = True
        x = x - 1
    return t.n, t.done


def objects_in_objects(x):
    o = Owner()
    while x > 0:
        o.hit(x)
        if x > 2:
            o.hit(1.0)
        x = x - 1
    return o.thing.n, o.row, o.sums, len(o.queue)


def closures(x):
    count, sums = 0, {"t": 0.0}

    def add(v):
        nonlocal count
        count += 1
        sums["t"] += v

    while x > 0:
        add(x)
        if x > 1:
            add(-1.0)
        x -= 1
    return count, sums


def make_counter():
    n = 0

    def count():
        nonlocal n
        n += 1
        return n

    def reset():
        nonlocal n
        n = 0

    return count, reset


COUNT, RESET = make_counter()
STATE: dict[str, object] = {}
TOTAL = 0


def add_to_total(k):
    global TOTAL
    TOTAL += k


def functions_made_elsewhere(x):
    RESET()
    if x > 0:
        COUNT()
        COUNT()
    return COUNT()


def globals_of_other_functions(x):
    global TOTAL
    STATE["n"], STATE["v"], TOTAL = 0, 0.0, 0
    while x > 0:
        STATE["n"] += 1
        STATE["v"] += x
        add_to_total(2)
        x = x - 1
    return STATE["n"], STATE["v"], TOTAL


def dicts(x):
    d, e = {"a": x, "n": 0}, collections.defaultdict(float, s=0.0)
    if x > 0:
        d.update(a=x * 2, n=1)
        d.setdefault("a", 5.0)
        e["s"] += x
    else:
        v = d.pop("a")
        d["a"] = v + 1
    return d["a"], d["n"], e["s"]


def deques(x):
    q = collections.deque([1.0, 2.0, 3.0], maxlen=3)
    while x > 0:
        q.append(x)
        x = x - 1
    return list(q)


def lists(x):
    row, numbers = [1.0, x, 3.0], [3, 1, 2]
    if x > 0:
        row[0] = x
        row.insert(1, 9.0)
        numbers.sort()
        v = numbers.pop()
    else:
        row[1] = 7.0
        row.insert(0, 8.0)
        numbers.reverse()
        v = numbers.pop(0)
    return row, numbers, v


@dataclasses.dataclass
class Record:
    a: object
    b: object


def dataclasses_(x):
    kept, made = Record(x, 0), Record(x, 0)
    while x > 0:
        kept.a *= 2
        kept.b += 1
        made = Record(made.a * 2, made.b + 1)
        x = x - 1
    return kept.a, kept.b, made


class Walk:
    def __init__(self):
        self.position, self.steps, self.path = tf.constant(0.0), 0, []

    def step(self, a):
        self.position = self.position + a
        self.steps += 1
        self.path.append(self.position)
        return self.position, self.steps >= 3


def simulation(x):
    walk, done, total = Walk(), False, 0.0
    while not done:
        position, done = walk.step(x)
        total += position
    for _ in range(tf.cast(x, tf.int32)):
        position, done = walk.step(x)
        if position > 20:
            break
    return total, walk.steps, walk.position


FUNCTIONS = [
    attributes_set_in_both_branches, flags_and_names, an_attribute_that_an_iteration_sets,
    objects_in_objects, closures, functions_made_elsewhere, globals_of_other_functions, dicts,
    deques, lists, dataclasses_, simulation,
]  # fmt: skip


@pytest.mark.parametrize("x", [3.0, 0.0, 1.0])
@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_state_is_what_it_would_be_in_python(fn, x) -> None:
    check(fn, x)


def test_an_attribute_without_a_value_is_told_where_it_is_read() -> None:
    def last(x):
        t = Thing()
        while x > 0:
            t.last = x
            x = x - 1
        return t.last + 1

    staged = tf.function(last, fallback="error")
    assert float(staged(tf.constant(2.0))) == 2.0
    with pytest.raises(AttributeError, match="ran no iteration that gives it one"):
        staged(tf.constant(0.0))


def sets(x):
    s = set()
    if x > 0:
        s.add(1)
    return 1 in s


def keys(x):
    d = {"a": x}
    if x > 0:
        d["b"] = x
    return d.get("b", 0.0)


@pytest.mark.parametrize(
    ("fn", "message"), [(sets, "what a set holds would depend"), (keys, "two kinds of values")]
)
def test_what_only_running_would_tell_is_refused(fn, message) -> None:
    with pytest.raises(errors.StagingError, match=message):
        tf.function(fn, fallback="error")(tf.constant(3.0))
