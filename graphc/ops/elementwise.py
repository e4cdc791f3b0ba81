"""Elementwise arithmetic."""

from __future__ import annotations

import numpy as np

from graphc.ir import dtypes
from graphc.ops.combinators import binary, pairs, reals, unary

add = binary("add", np.add, "{x} + {y}", grad=lambda c, g: (g, g), samples=pairs(-3, 3),
             commutative=True, doc="x + y")  # fmt: skip
multiply = binary("multiply", np.multiply, "{x} * {y}", samples=pairs(-3, 3), commutative=True,
                  grad=lambda c, g: (g * c.y, g * c.x), doc="x * y")  # fmt: skip
tanh = unary("tanh", np.tanh, "tanh_{t}({x})", types=dtypes.FLOATS | dtypes.COMPLEXES,
             grad=lambda c, g: g * (1 - c.out * c.out), samples=reals(-4, 4),
             doc="Hyperbolic tangent.")  # fmt: skip
