"""First values of weights: ``initializers.GlorotUniform(seed=1)((3, 4))``.

Without a seed each call draws from the global generator (``tf.random.set_seed``); with one, calls
give the same numbers.
"""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.named import Configured, lookups


class Initializer(Configured):
    """Makes a tensor of a shape; subclasses define ``__call__(shape, dtype=None)``."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")


def _kind(dtype: Any, floating: bool = True) -> Any:
    """The dtype to make, floatx if none is asked for."""
    kind = tf.as_dtype(dtype or backend.floatx())
    if (floating and not kind.is_floating) or kind == tf.string:
        raise ValueError(f"Expected float or integer dtype, got {kind.name}.")
    return kind


# --- constants ------------------------------------------------------------------------------------


class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return tf.zeros(shape, _kind(dtype, floating=False))


class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return tf.ones(shape, _kind(dtype, floating=False))


class Constant(Initializer):
    """One value, or values that broadcast to the shape."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return tf.broadcast_to(tf.cast(self.value, _kind(dtype, floating=False)), shape)


class Identity(Initializer):
    """``gain`` times the identity matrix; for two axes only."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices."
                f" Received: shape={shape} of rank {len(shape)}."
            )
        return self.gain * tf.eye(*shape, dtype=_kind(dtype))


# --- draws ----------------------------------------------------------------------------------------


class _Drawn(Initializer):
    """Draws with a seed or from the global generator."""

    seed: Any

    def _draw(self, how: str, shape: Any, *bounds: float, dtype: Any) -> Any:
        if self.seed is None:
            return getattr(tf.random, how)(shape, *bounds, dtype=dtype)
        return getattr(tf.random, f"stateless_{how}")(shape, [self.seed, 0], *bounds, dtype=dtype)


class RandomUniform(_Drawn):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        kind = _kind(dtype, floating=False)
        return self._draw("uniform", shape, self.minval, self.maxval, dtype=kind)


class RandomNormal(_Drawn):
    """Normal."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return self._draw("normal", shape, self.mean, self.stddev, dtype=_kind(dtype))


class TruncatedNormal(RandomNormal):
    """Normal, without values beyond two standard deviations."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return self._draw("truncated_normal", shape, self.mean, self.stddev, dtype=_kind(dtype))


class VarianceScaling(_Drawn):
    """Variance ``scale / n``, n the fan in, the fan out or their average.

    ``distribution`` is ``"truncated_normal"`` (``"normal"``), ``"untruncated_normal"`` or
    ``"uniform"``.  A kernel [..., in, out] has a fan of its channels times the window's size.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float. Received: scale={scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}.")
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution}.")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        fan_in, fan_out = _fans(tuple(shape))
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance, kind = self.scale / max(1.0, fan), _kind(dtype)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._draw("uniform", shape, -limit, limit, dtype=kind)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return self._draw("normal", shape, 0.0, stddev, dtype=kind)
        # what the cut takes away of a normal distribution's deviation
        return self._draw("truncated_normal", shape, 0.0, stddev / 0.87962566103423978, dtype=kind)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class _Scaled(VarianceScaling):
    """`VarianceScaling` with everything chosen but the seed."""

    _chosen: tuple[float, str, str]

    def __init__(self, seed: Any = None) -> None:
        super().__init__(*self._chosen, seed=seed)


class GlorotUniform(_Scaled):
    """Uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    _chosen = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    _chosen = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within sqrt(6 / fan_in) (He et al., 2015)."""

    _chosen = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in (He et al., 2015)."""

    _chosen = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within sqrt(3 / fan_in) (LeCun et al., 1998)."""

    _chosen = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in (LeCun et al., 1998)."""

    _chosen = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Drawn):
    """``gain`` times a matrix with orthonormal rows or columns, the fewer of them.

    Of more than two axes all but the last make the rows (Saxe et al., 2014).
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional."
                f" Received: shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = tf.linalg.qr(self._draw("normal", tall, dtype=_kind(dtype)))
        q *= tf.sign(tf.linalg.diag_part(r))  # makes the draw uniform
        return self.gain * tf.reshape(q if rows >= columns else tf.transpose(q), shape)


# --- by name --------------------------------------------------------------------------------------

zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_uniform, random_normal, truncated_normal = RandomUniform, RandomNormal, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal

_NAMED = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Initializer) and name[0] != "_"
} | {"uniform": RandomUniform, "normal": RandomNormal, "one": Ones, "zero": Zeros}

get, serialize, deserialize = lookups("initializer", _NAMED)
