"""``tf.config.optimizer``: what scripts choose, kept; graphc compiles everything in any case."""

from __future__ import annotations

from typing import Any

_jit = ""
_options: dict[str, Any] = {"disable_model_pruning": False, "disable_meta_optimizer": False}


def get_jit() -> str:
    """``"autoclustering"`` if `set_jit` asked for it, else an empty string."""
    return _jit


def set_jit(enabled: bool | str) -> None:
    """Note the choice; it changes nothing, as every function is compiled (``GRAPHC_JIT=off``)."""
    global _jit
    _jit = "autoclustering" if enabled in (True, "autoclustering") else ""


def get_experimental_options() -> dict[str, Any]:
    return dict(_options)


def set_experimental_options(options: dict[str, Any]) -> None:
    """Keep grappler's options to be asked for; graphc's passes are not switched by them."""
    _options.update(options)
