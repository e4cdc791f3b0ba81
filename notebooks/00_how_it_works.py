# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How it works: a graph compiler in 200 lines, then the real one beside it
#
# graphc reads a Python function, turns it into a graph, improves the graph and runs it as native
# code. Each of these steps is a small idea. Here they are in miniature, enough to compile a
# training step with its gradient; behind each the same stage of graphc itself, for the same
# function.

# %%
import ast
import inspect
import itertools
import textwrap
from dataclasses import dataclass, field

import numba
import numpy as np

import graphc as tf
from graphc.inspect.svg import to_svg

# %% [markdown]
# ## 1. An op is one entry
#
# What numpy computes, what one element of a kernel computes, and the gradient. `DOT` is different:
# it mixes elements, so it stays a library call.


# %%
@dataclass(frozen=True)
class Op:
    name: str
    eager: object  # arrays -> array
    scalar: str = ""  # the same for one element, as text; "" if it is no elementwise op
    grad: object = None  # (inputs, output, g) -> gradients of the inputs

    def __call__(self, *inputs):
        return apply(self, inputs)


OPS = {}


def op(name, eager, scalar="", grad=None):
    OPS[name] = Op(name, eager, scalar, grad)
    return OPS[name]


ADD = op("add", np.add, "{0} + {1}", lambda i, o, g: (g, g))
SUB = op("sub", np.subtract, "{0} - {1}", lambda i, o, g: (g, NEG(g)))
MUL = op("mul", np.multiply, "{0} * {1}", lambda i, o, g: (MUL(g, i[1]), MUL(g, i[0])))
NEG = op("neg", np.negative, "-{0}", lambda i, o, g: (NEG(g),))
TANH = op("tanh", np.tanh, "math.tanh({0})", lambda i, o, g: (MUL(g, SUB(ONE, MUL(o, o))),))
DOT = op("dot", np.dot, "", lambda i, o, g: (DOT(g, T(i[1])), DOT(T(i[0]), g)))
T = op("t", np.transpose, "", lambda i, o, g: (T(g),))

# %% [markdown]
# ## 2. Values: eager by default, symbolic while tracing
#
# The same operators do both. While a function is traced, applying an op writes a node down instead
# of computing it.


# %%
@dataclass(eq=False)
class Node:
    op: Op
    inputs: tuple
    name: str


@dataclass(eq=False)
class Graph:
    inputs: list
    nodes: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    def __str__(self):
        lines = [f"  %{n.name} = {n.op.name} {', '.join(map(show, n.inputs))}" for n in self.nodes]
        head = f"graph({', '.join(show(v) for v in self.inputs)})"
        return "\n".join([head, *lines, f"  return {', '.join(map(show, self.outputs))}"])


class Sym:
    """Stands for a value that will be there when the graph runs."""

    def __init__(self, name):
        self.name = name

    def __add__(self, other):
        return ADD(self, other)

    def __sub__(self, other):
        return SUB(self, other)

    def __rsub__(self, other):
        return SUB(other, self)

    def __mul__(self, other):
        return MUL(self, other)

    def __matmul__(self, other):
        return DOT(self, other)

    __radd__, __rmul__ = __add__, __mul__


ONE = np.float32(1)
tracing = []  # the graph that is being written, if any


def show(value):
    return f"%{value.name}" if isinstance(value, Sym) else str(value)


def apply(op, inputs):
    if not tracing:
        return op.eager(*inputs)
    graph = tracing[-1]
    out = Sym(f"v{len(graph.nodes)}")
    graph.nodes.append(Node(op, inputs, out.name))
    made[out] = graph.nodes[-1]
    return out


made = {}  # the node behind each symbolic value


def trace(function, names):
    graph = Graph([Sym(name) for name in names])
    tracing.append(graph)
    try:
        result = function(*graph.inputs)
    finally:
        tracing.pop()
    graph.outputs = list(result) if isinstance(result, tuple) else [result]
    return graph


# %% [markdown]
# ## 3. Gradients are written into the graph
#
# Backwards over the nodes: each op says what its inputs' gradients are, in terms of ops again.


# %%
def gradient(target, sources):
    grads = {target: ONE}
    for node in reversed(list(tracing[-1].nodes)):
        (out,) = [s for s, n in made.items() if n is node]
        if out not in grads or node.op.grad is None:
            continue
        for x, g in zip(node.inputs, node.op.grad(node.inputs, out, grads[out]), strict=True):
            if isinstance(x, Sym):
                grads[x] = ADD(grads[x], g) if x in grads else g
    return [grads[s] for s in sources]


def step(x, w, b):
    h = TANH(x @ w + b)
    loss = h * h  # its sum is minimised
    dw, db = gradient(loss, [w, b])
    return loss, w - np.float32(0.1) * dw


mini = trace(step, ["x", "w", "b"])
print(mini)

# %% [markdown]
# The same in graphc. Names are the user's own, every value has a type, Variables are lifted out of
# the function, and the same text can be read back and run.

# %%
w = tf.Variable(np.full((3, 2), 0.5, np.float32), name="w")
b = tf.Variable(np.zeros((4, 2), np.float32), name="b")


@tf.function
def real_step(x):
    with tf.GradientTape() as tape:
        h = tf.tanh(x @ w + b)
        loss = h * h
    dw, _ = tape.gradient(loss, [w, b])
    w.assign_sub(0.1 * dw)
    return loss


x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
print(real_step.graph(x))

# %% [markdown]
# ## 4. Control flow: the source is rewritten
#
# `if` on a value that is not known yet cannot run. So the source is edited before it is compiled:
# the two branches become functions, and an operator decides, while the function is traced, whether
# it is Python's `if` or the graph's. (In miniature: both are computed and one is selected.)

# %%
SELECT = op("select", np.where, "{1} if {0} else {2}")
LESS = op("less", np.less, "{0} < {1}")
Sym.__lt__ = lambda a, b: LESS(a, b)


class Rewrite(ast.NodeTransformer):
    def visit_If(self, node):
        name = node.body[0].targets[0].id  # one assignment in each branch, in miniature
        then, other = node.body[0].value, node.orelse[0].value
        call = ast.parse(f"{name} = if_(0, lambda: 0, lambda: 0)").body[0]
        call.value.args[0] = node.test
        call.value.args[1].body, call.value.args[2].body = then, other
        return ast.copy_location(call, node)


def if_(test, then, other):
    return SELECT(test, then(), other()) if isinstance(test, Sym) else then() if test else other()


def convert(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree = ast.fix_missing_locations(Rewrite().visit(tree))
    scope = dict(function.__globals__, if_=if_)
    exec(compile(tree, inspect.getsourcefile(function), "exec"), scope)
    print(ast.unparse(tree), end="\n\n")
    return scope[function.__name__]


def leaky(v):
    if v < 0:
        out = v * 0.1
    else:
        out = v
    return out


print(trace(convert(leaky), ["v"]))

# %%
print(tf.function(leaky).converted_source)

# %% [markdown]
# ## 5. Passes: graph in, graph out
#
# Two of them. Nodes that compute the same are one (common subexpressions), and nodes that nobody
# reads go (dead code).


# %%
def cse(graph):
    seen, same, kept = {}, {}, []
    for node in graph.nodes:
        inputs = tuple(same.get(getattr(i, "name", None), i) for i in node.inputs)
        key = node.op.name, *(show(i) for i in inputs)
        if key in seen:
            same[node.name] = seen[key]
        else:
            seen[key] = Sym(node.name)
            kept.append(Node(node.op, inputs, node.name))
    return Graph(graph.inputs, kept, [same.get(o.name, o) for o in graph.outputs])


def dce(graph):
    needed = {o.name for o in graph.outputs}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed |= {i.name for i in node.inputs if isinstance(i, Sym)}
    return Graph(graph.inputs, [n for n in graph.nodes if n.name in needed], graph.outputs)


small = dce(cse(mini))
print(f"{len(mini.nodes)} -> {len(small.nodes)} nodes")
print(small)

# %% [markdown]
# graphc keeps each pass's graph and what it did, so that both can be read afterwards.

# %%
report = real_step.explain(x)
report.steps

# %%
report.diffs["cse"]

# %% [markdown]
# ## 6. Fusion and kernels
#
# Neighbouring elementwise ops become one loop: each element is loaded once, everything is computed
# in registers, and what is needed later is stored. Here each run of elementwise nodes between two
# products is a kernel, written as text and compiled by numba.


# %%
def clusters(graph):
    for elementwise, nodes in itertools.groupby(graph.nodes, key=lambda n: bool(n.op.scalar)):
        yield elementwise, list(nodes)


def kernel(nodes, outside):
    """A fused kernel: its inputs, its outputs, its text."""
    own = {n.name for n in nodes}
    given = list(dict.fromkeys(i.name for n in nodes for i in n.inputs
                               if isinstance(i, Sym) and i.name not in own))  # fmt: skip
    kept = [n.name for n in nodes if n.name in outside]
    lines = [f"def kernel({', '.join([*given, *('out_' + k for k in kept)])}):"]
    lines += [f"    for i in range(out_{kept[0]}.size):"]
    lines += [f"        {g}_ = {g}.flat[i]" for g in given]
    for n in nodes:
        parts = [f"{i.name}_" if isinstance(i, Sym) else repr(float(i)) for i in n.inputs]
        lines.append(f"        {n.name}_ = {n.op.scalar.format(*parts)}")
    lines += [f"        out_{k}.flat[i] = {k}_" for k in kept]
    return given, kept, "\n".join(lines)


def compile_graph(graph):
    program = []
    for elementwise, nodes in clusters(graph):
        own = {id(n) for n in nodes}
        outside = {o.name for o in graph.outputs} | {
            i.name for n in graph.nodes if id(n) not in own for i in n.inputs if isinstance(i, Sym)
        }
        if not elementwise:
            program += [(None, n) for n in nodes]
            continue
        given, kept, text = kernel(nodes, outside)
        print(text, end="\n\n")
        scope = {"math": __import__("math")}
        exec(text, scope)
        program.append((numba.njit(scope["kernel"], error_model="numpy"), (given, kept)))

    def run(*arrays):
        env = {s.name: np.asarray(a) for s, a in zip(graph.inputs, arrays, strict=True)}
        for compiled, what in program:
            if compiled is None:
                env[what.name] = what.op.eager(*(env[i.name] for i in what.inputs))
            else:
                given, kept = what
                shape = np.broadcast_shapes(*(env[g].shape for g in given))
                env.update({k: np.empty(shape, np.float32) for k in kept})
                compiled(*(env[g] for g in given), *(env[k] for k in kept))
        return [env[o.name] for o in graph.outputs]

    return run


compiled = compile_graph(small)

# %% [markdown]
# The real kernels of the same function. graphc writes them for a whole cluster of ops with
# reductions and broadcasts, with vector versions of `tanh` and friends, updates Variables in place,
# and calls them from a native driver. Behind each line stand the value and the user's line.

# %%
report.kernels

# %%
report.plan

# %% [markdown]
# ## 7. Both give what numpy gives

# %%
w0, b0 = np.full((3, 2), 0.5, np.float32), np.zeros((4, 2), np.float32)
loss, updated = compiled(x, w0, b0)
h = np.tanh(x @ w0 + b0)
np.testing.assert_allclose(loss, h * h, rtol=1e-5)
np.testing.assert_allclose(updated, w0 - 0.1 * x.T @ (2 * h * (1 - h * h)), rtol=1e-5)

np.testing.assert_allclose(real_step(x), loss, rtol=1e-5)
np.testing.assert_allclose(w.numpy(), updated, rtol=1e-5)
"equal"

# %% [markdown]
# And as a picture, after all passes: one tint a kernel.

# %%
from IPython.display import HTML

HTML(to_svg(real_step.graph(x, optimized=True)))

# %% [markdown]
# Where to go on: [01_train_step](01_train_step.ipynb) trains a classifier with one such step,
# [02_control_flow](02_control_flow.ipynb) shows loops and branches,
# [03_inspect_graphs](03_inspect_graphs.ipynb) every way to look inside,
# [04_eager_vs_graph_speed](04_eager_vs_graph_speed.ipynb) what it gains and where it does not.
