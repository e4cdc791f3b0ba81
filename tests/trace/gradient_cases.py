"""Staged programs of floats `x`, `y`, a vector `w` and an int `n` that random ones do not reach."""

from __future__ import annotations

import graphc as tf

CASES = []


def case(f):
    CASES.append(f)
    return f


class State:
    """What loops change."""


v = tf.Variable(1.5)
steps = tf.Variable(0, trainable=False)


@case
def state_in_attributes_dicts_and_lists(x, y, w, n):
    o = State()
    o.s, o.d, o.items = x * 1.0, {"k": y * 1.0}, [x]
    for _ in tf.range(n):
        o.s = o.s * tf.sin(o.d["k"])
        o.d["k"] += x
        if o.s > 0:
            o.items[0] = o.items[0] * o.s
    return o.s, o.d["k"], o.items[0]


@case
def variables_assigned_in_branches_and_loops(x, y, w, n):
    v.assign(1.5)
    s = v * x
    if x > 0:
        v.assign(x * 2.0)
        s = s + v * y
    for _ in tf.range(n):
        v.assign_add(s * 0.1)
        steps.assign_add(1)
        s = s * tf.sin(v)
    return s * v, x


@case
def a_list_that_grows(x, y, w, n):
    rows, s = [], x * 1.0
    for _ in tf.range(n + 2):
        s = s * tf.sin(s + y)
        rows.append(s * x)
    t = tf.stack(rows)
    return tf.reduce_sum(t * t), t[0]


@case
def an_array_that_grows_in_a_while(x, y, w, n):
    rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    i, s = 0, x * 1.0
    while True:
        s = s * y
        rows = rows.write(i, s * s)
        i += 1
        if i > n:
            break
    return tf.reduce_sum(rows.stack()), y


@case
def an_array_that_is_read_while_it_grows(x, y, w, n):
    rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False)
    rows = rows.write(0, x)
    for i in tf.range(n):
        rows = rows.write(i + 1, rows.read(i) * tf.sin(y))
    return tf.reduce_sum(rows.stack()), x


@case
def a_tensor_that_grows(x, y, w, n):
    t = w * 1.0
    for _ in tf.range(n):
        t = tf.concat([t, [tf.reduce_sum(t) * x]], 0)
    return tf.reduce_sum(t * t), y


@case
def a_tensor_that_shrinks(x, y, w, n):
    t = tf.stack([x, y, x * y, x, y])
    i, s = 0, 0.0
    while i < n:
        t = t[1:]
        s = s + tf.reduce_sum(t * t)
        i += 1
    return s * 1.0, x


@case
def loops_in_loops_with_exits(x, y, w, n):
    s = x * 1.0
    for i in tf.range(n):
        for _ in tf.range(i):
            s = tf.sin(s * y)
            if s > 0.1:
                continue
            s = s + x
        k = 0
        while k < i:
            s = s * w[0]
            k += 1
            if s < -1.0:
                break
        else:
            s = s + 0.1
        if s > 5.0:
            return s * y, x
    return s, y


@case
def control_flow_by_functions(x, y, w, n):
    _, b = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, tf.sin(s * x)), (0, y))
    c = tf.cond(x > 0, lambda: x * y, lambda: x - y)
    d = tf.case([(x > 1.0, lambda: x * x), (x > 0.0, lambda: tf.sin(x))], default=lambda: y)
    e = tf.switch_case(n, [lambda: x * x, lambda: y * x, lambda: w[0] * x], default=lambda: x)
    f = tf.reduce_sum(tf.map_fn(lambda q: tf.sin(q) * x, w))
    g = tf.reduce_sum(tf.scan(lambda s, q: tf.sin(s * q) + x, w, initializer=y))
    return b, c, d, e, f, g, tf.foldl(lambda s, q: s * q, w, initializer=x)


@tf.function
def powers(a, n):
    for _ in tf.range(n):
        a = a * tf.sin(a)
    return a


@case
def calls_of_functions(x, y, w, n):
    s = powers(x, n)
    for i in tf.range(n):
        s = powers(s, i) + powers(y, 1)
    return s, tf.py_function(lambda a, b: a * a * b, [x, y], tf.float32) * y


@tf.custom_gradient
def softplus(a):
    e = tf.exp(a)
    return tf.math.log(1.0 + e), lambda g: g * (1.0 - 1.0 / (1.0 + e)) * 3.0


@tf.custom_gradient
def scaled(a):
    def grad(g, variables):
        return g * v * 2.0, [g * a * 3.0 for _ in variables]

    return a * v, grad


@case
def gradients_of_their_own(x, y, w, n):
    v.assign(1.5)
    again = tf.recompute_grad(lambda a, b: tf.sin(a * b) * a)
    s = scaled(softplus(x)) * tf.stop_gradient(x)
    for _ in tf.range(n):
        s = again(softplus(s * y), y) + tf.tanh(scaled(s) * tf.stop_gradient(s))
    return s, y


@case
def tapes_in_loops(x, y, w, n):
    s = x * 1.0
    for _ in tf.range(n):
        with tf.GradientTape() as tape:
            tape.watch(s)
            loss = tf.sin(s) * y
        s = s - 0.3 * tape.gradient(loss, s)
    return s, y


@case
def branches_not_taken_have_no_nan(x, y, w, n):
    s = tf.sqrt(x) if x > 0 else x * y
    t = tf.math.log(y) if y > 0 and x > 0 else x * x
    return s, t, tf.where(x > 0, tf.sqrt(tf.where(x > 0, x, 1.0)), y)


@case
def picked_elements(x, y, w, n):
    t = tf.stack([x, y, x * y, w[0]])
    a, b = tf.gather(t, [0, 2, 0]), tf.boolean_mask(t, t > 0.0)
    c = tf.tensor_scatter_nd_update(t, [[1]], [x * x])
    return tf.reduce_sum(a * a), tf.reduce_sum(b * b), t[n], tf.reduce_sum(c * c), t[::-1][1]
