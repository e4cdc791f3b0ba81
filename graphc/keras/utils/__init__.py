"""Training conveniences with Keras's names."""

from graphc.keras.utils.progbar import Progbar

__all__ = ["Progbar"]
