"""Models, and their way to files and back."""

from graphc.keras.engine.model import Model, clone_model
from graphc.keras.engine.saving import load_model, model_from_config, model_from_json, save_model
from graphc.keras.engine.sequential import Sequential

__all__ = [
    "Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json",
    "save_model",
]  # fmt: skip
