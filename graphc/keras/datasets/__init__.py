"""Data sets that come with the package: nothing is downloaded."""

from graphc.keras.datasets import digits

__all__ = ["digits"]
