"""Functions with a gradient of their own, and tensors that gradients do not pass."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor, record
from graphc.trace.gradient import zeros_like
from graphc.trace.state import current, recording
from graphc.trace.tensor import Tensor


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value; gradients treat it as a constant (TF: ``tf.stop_gradient``)."""
    return ops.stop_gradient(input)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function its own gradient (TF: ``tf.custom_gradient``).

    ``f(*tensors)`` returns ``(result, grad)``; ``grad(*result gradients)`` returns one gradient an
    argument.
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = functools.partial(f, **kwargs) if kwargs else f
        inputs = [convert_to_tensor(a) for a in args]
        if current.tracer is not None:
            return _staged(bound, inputs)
        with recording(()):
            result, grad = bound(*inputs)
        outputs = [convert_to_tensor(t) for t in nest.flatten(result)]
        outputs = [ops.identity(t) if any(t is i for i in inputs) else t for t in outputs]

        def rule(c: Any, *grads: Any) -> list[Any]:
            dense = [zeros_like(o) if g is None else g for g, o in zip(grads, outputs, strict=True)]
            return _per_input(grad(*dense), inputs)

        record(None, inputs, outputs, {}, None, rule)
        return nest.pack_sequence_as(result, outputs)

    return wrapper


def _per_input(found: Any, inputs: Sequence[Tensor]) -> list[Any]:
    listed = list(found) if isinstance(found, tuple | list) else [found]
    if len(listed) != len(inputs):
        raise ValueError(
            f"the gradient function returned {len(listed)} gradients for {len(inputs)} arguments"
        )
    return listed


def _staged(f: Callable[..., Any], inputs: Sequence[Tensor]) -> Any:
    """A `call` node with a second region for the gradient."""
    tracer = current.tracer
    assert tracer is not None
    types = [tracer.lift(t).value.type for t in inputs]
    with staging.region("body", types) as body:
        result, _ = f(*body.params)
        outputs = [body.lift(convert_to_tensor(t)) for t in nest.flatten(result)]
    count = len(types)
    with staging.region("vjp", types + [t.value.type for t in outputs]) as back:
        _, grad = f(*back.params[:count])
        found = _per_input(grad(*back.params[count:]), back.params[:count])
        grads = [
            zeros_like(p) if g is None else g for g, p in zip(found, back.params, strict=False)
        ]
    name = getattr(f, "__name__", "custom")
    results = staging.emit_custom_call(name, inputs, body, outputs, back, grads)
    return nest.pack_sequence_as(result, results)
