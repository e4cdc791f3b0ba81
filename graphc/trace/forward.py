"""Forward-mode derivatives, as the gradient of a gradient."""

from __future__ import annotations

from typing import Any

from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.gradient import zeros_like
from graphc.trace.state import current, recording
from graphc.trace.tape import GradientTape, wants_zero


class ForwardAccumulator:
    """Derivatives of what is computed inside in one direction (TF:
    ``tf.autodiff.ForwardAccumulator``).

    ``tangents`` has the structure of ``primals``, tensors or Variables.  A tape records what
    happens: the gradient of a result is linear in its seed, and the gradient of that by the seed is
    the Jacobian-vector product.
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        nest.assert_same_structure(primals, tangents)
        self._primals = nest.flatten(primals)
        pairs = zip(nest.flatten(tangents), self._primals, strict=True)
        self._tangents = [convert_to_tensor(t, p.dtype) for t, p in pairs]
        for tangent, primal in zip(self._tangents, self._primals, strict=True):
            if not tangent.shape.is_compatible_with(primal.shape):
                raise ValueError(
                    f"a tangent of shape {tangent.shape} for a primal of shape {primal.shape}"
                )
        self._tape = GradientTape(persistent=True, watch_accessed_variables=False)

    def __enter__(self) -> ForwardAccumulator:
        self._tape.__enter__()
        self._tape.watch(self._primals)
        return self

    def __exit__(self, *exception: object) -> None:
        self._tape.__exit__(*exception)

    def jvp(self, primals: Any, unconnected_gradients: Any = "none") -> Any:
        """The derivatives of tensors computed inside; None (or zeros) where there are none."""
        zero = wants_zero(unconnected_gradients)
        found = [self._jvp(t) for t in nest.flatten(primals)]
        pairs = zip(found, nest.flatten(primals), strict=True)
        return nest.pack_sequence_as(
            primals, [zeros_like(t) if d is None and zero else d for d, t in pairs]
        )

    def _jvp(self, target: Any) -> Any:
        if not target.dtype.is_differentiable:
            return None
        seed = zeros_like(target)
        with recording(tuple(t for t in current.tapes if t is not self._tape)):
            with GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(seed)
                grads = self._tape.gradient(target, self._primals, seed)
                products = [
                    ops.reduce_sum(ops.multiply(g, t))
                    for g, t in zip(grads, self._tangents, strict=True)
                    if g is not None
                ]
            return tape.gradient(products, seed) if products else None
