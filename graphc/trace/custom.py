"""Functions with a gradient of their own, and tensors that gradients do not pass."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor, record
from graphc.trace.gradient import zeros_like
from graphc.trace.state import current, recording
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import Operators, Tensor

_NUMBERS = (int, float, complex, np.ndarray, np.generic)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value; gradients treat it as a constant (TF: ``tf.stop_gradient``)."""
    return ops.stop_gradient(input)


class _Reads:
    """Stands among the tapes and notes which trainable Variables are read."""

    paused, tracer = True, None

    def __init__(self) -> None:
        self.variables: dict[int, Any] = {}

    def notice(self, variable: Any) -> None:
        if variable.trainable:
            self.variables[id(variable)] = variable

    def depends_on(self, key: Any) -> bool:
        return False

    def extend(self, first: Any, outputs: Any, node: Any) -> None:
        """Nothing is kept of a loop that now stacks values."""


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function its own gradient (TF: ``tf.custom_gradient``).

    ``f(*args)`` returns ``(result, grad)``; ``grad(*result gradients)`` returns a gradient for each
    tensor among the arguments, which may be nested.  If ``f`` reads trainable Variables, ``grad``
    must take ``variables=`` and return the gradients of the arguments and a list of those of the
    variables.  Keyword arguments are passed on as they are.
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves = nest.flatten(list(args))
        at = [i for i, leaf in enumerate(leaves) if isinstance(leaf, (Operators, *_NUMBERS))]
        inputs = [convert_to_tensor(leaves[i]) for i in at]

        def call(tensors: Sequence[Any]) -> tuple[Any, _Rule]:
            given = dict(zip(at, tensors, strict=True))
            own = [given.get(i, leaf) for i, leaf in enumerate(leaves)]
            reads = _Reads()
            with recording((*current.tapes, reads)):  # type: ignore[arg-type]
                result, grad = f(*nest.pack_sequence_as(list(args), own), **kwargs)
            return result, _Rule(grad, len(at), list(reads.variables.values()))

        return _staged(f, call, inputs) if current.tracer is not None else _eager(call, inputs)

    return wrapper


class _Rule:
    """What the user's gradient function gives for seeds: gradients of inputs, then of Variables."""

    def __init__(self, grad: Callable[..., Any], count: int, variables: list[Any]) -> None:
        self.grad, self.count, self.variables = grad, count, variables
        if variables and not _takes_variables(grad):
            raise TypeError(
                "a function with a custom gradient reads Variables"
                f" ({', '.join(v.name for v in variables)}): its gradient function must take"
                " `variables=` and return (gradients of the arguments, gradients of the variables)"
            )

    def __call__(self, seeds: Sequence[Any]) -> list[Any]:
        by_variable: Any = []
        if self.variables:
            found, by_variable = self.grad(*seeds, variables=self.variables)
        else:
            found = self.grad(*seeds)
        grads, others = nest.flatten(found), nest.flatten(by_variable)
        wanted = self.count, len(self.variables)
        for listed, count, what in zip((grads, others), wanted, _WHAT, strict=True):
            if len(listed) != count:
                raise ValueError(
                    f"the gradient function returned {len(listed)} gradients for {count} {what}"
                )
        return [*grads, *others]


_WHAT = ("arguments", "variables")


def _takes_variables(grad: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _eager(call: Callable[..., Any], inputs: list[Tensor]) -> Any:
    result, rule = call(inputs)
    with recording(()):  # tensors that nobody else has computed: the rule alone is their gradient
        outputs = [ops.identity(t) for t in nest.flatten(result)]

    def gradient(c: Any, *grads: Any) -> list[Any]:
        return rule(
            [zeros_like(o) if g is None else g for g, o in zip(grads, outputs, strict=True)]
        )

    record(None, [*inputs, *(v.read() for v in rule.variables)], outputs, {}, None, gradient)
    return nest.pack_sequence_as(result, outputs)


def _staged(f: Callable[..., Any], call: Callable[..., Any], inputs: list[Tensor]) -> Any:
    """A `call` node with a second region for the gradient."""
    tracer = current.tracer
    assert tracer is not None
    types = [tracer.lift(t).value.type for t in inputs]
    with staging.region("body", types) as body:
        result, _ = call(body.params)
        outputs = [body.lift(convert_to_tensor(t)) for t in nest.flatten(result)]
    count = len(types)
    with staging.region("vjp", types + [t.value.type for t in outputs]) as back:
        _, rule = call(back.params[:count])
        found = rule(back.params[count:])
        grads = [
            zeros_like(p) if g is None else g
            for g, p in zip(found[:count], back.params, strict=False)
        ]
    by_variable = {v.key: g for v, g in zip(rule.variables, found[count:], strict=True)}
    name = getattr(f, "__name__", "custom")
    results = staging.emit_custom_call(name, inputs, body, outputs, back, grads, by_variable)
    return nest.pack_sequence_as(result, results)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``, which keeps nothing for its gradient but its arguments: it is computed again then
    (TF: ``tf.recompute_grad``).

    Inside a ``@function`` what is the same is computed once all the same.
    """

    @custom_gradient
    def again(*args: Any, **kwargs: Any) -> Any:
        watchers = tuple(t for t in current.tapes if not isinstance(t, GradientTape))
        with recording(watchers):
            result = f(*args, **kwargs)

        def grad(*seeds: Any, variables: Sequence[Any] = ()) -> Any:
            tensors = [t for t in nest.flatten(list(args)) if isinstance(t, Operators)]
            with GradientTape() as tape:
                tape.watch(tensors)
                results = nest.flatten(f(*args, **kwargs))
            found = tape.gradient(results, [*tensors, *variables], list(seeds))
            by_input, by_variable = found[: len(tensors)], found[len(tensors) :]
            return (by_input, by_variable) if variables else by_input

        return result, grad

    return functools.wraps(f)(again)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function with f's values whose gradient is that of the identity, by its first argument
    (TF: ``tf.grad_pass_through``).
    """

    @functools.wraps(f)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        t = convert_to_tensor(x)
        return t + stop_gradient(f(t, *args, **kwargs) - t)  # type: ignore[operator]

    return call
