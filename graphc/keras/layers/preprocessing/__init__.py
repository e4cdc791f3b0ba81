"""Layers that prepare data: numbers, categories, texts, pictures."""

from graphc.keras.layers.preprocessing.encoding import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
)
from graphc.keras.layers.preprocessing.image import (
    CenterCrop,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomHeight,
    RandomRotation,
    RandomTranslation,
    RandomWidth,
    RandomZoom,
    Resizing,
)
from graphc.keras.layers.preprocessing.lookup import IntegerLookup, StringLookup
from graphc.keras.layers.preprocessing.normalization import Normalization, Rescaling
from graphc.keras.layers.preprocessing.text import TextVectorization

__all__ = [
    "CategoryEncoding", "CenterCrop", "Discretization", "HashedCrossing", "Hashing",
    "IntegerLookup", "Normalization", "RandomBrightness", "RandomContrast", "RandomCrop",
    "RandomFlip", "RandomHeight", "RandomRotation", "RandomTranslation", "RandomWidth",
    "RandomZoom", "Rescaling", "Resizing", "StringLookup", "TextVectorization",
]  # fmt: skip
