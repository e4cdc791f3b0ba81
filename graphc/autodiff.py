"""Derivatives (TF: ``tf.autodiff``)."""

from graphc.trace.forward import ForwardAccumulator
from graphc.trace.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
