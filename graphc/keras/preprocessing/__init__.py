"""Data before it comes to a model (Keras 2: ``keras.preprocessing``)."""

from graphc.keras.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
