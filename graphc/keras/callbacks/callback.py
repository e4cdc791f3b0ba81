"""Callback, and the names of its hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BATCH_HOOKS = (
    "on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_test_batch_end",
    "on_predict_batch_begin", "on_predict_batch_end",
)  # fmt: skip
HOOKS = (
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_test_begin",
    "on_test_end", "on_predict_begin", "on_predict_end",
)  # fmt: skip


class Callback:
    """What training calls at its begin and end, and those of epochs and batches.

    ``params`` says what was asked for (``epochs``, ``steps``, ``verbose``), ``model`` is trained;
    logs are numbers by name.
    """

    def __init__(self) -> None:
        self.validation_data: Any = None
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def on_train_end(self, logs: Any = None) -> None: ...
    def on_test_begin(self, logs: Any = None) -> None: ...
    def on_test_end(self, logs: Any = None) -> None: ...
    def on_predict_begin(self, logs: Any = None) -> None: ...
    def on_predict_end(self, logs: Any = None) -> None: ...

    def _overrides(self, hook: str) -> bool:
        """Whether this hook of batches does anything."""
        names = (hook, hook.replace("_train", ""))
        if any(name in vars(self) for name in names):
            return True
        return any(getattr(type(self), n, None) is not getattr(Callback, n, None) for n in names)


def numbers(logs: Any) -> dict[str, Any]:
    """Logs of tensors as numbers."""
    found = {}
    for name, value in (logs or {}).items():
        if name == "outputs" or not hasattr(value, "numpy"):
            found[name] = value
        else:
            array = value.numpy()
            found[name] = array.item() if not array.ndim else array
    return found


class LambdaCallback(Callback):
    """Functions as hooks: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``."""

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in hooks.items():
            if not name.startswith("on_"):
                raise TypeError(f"{name!r} is no hook of a callback")
            if function is not None:
                setattr(self, name, function)
