"""Callback, and the list of them that training calls."""

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


class CallbackList:
    """Calls the hooks of several callbacks in order.

    Hooks of batches that none of them has are None, so that training can skip them; logs become
    numbers only for callbacks that look at them.
    """

    on_train_batch_begin: Any
    on_train_batch_end: Any
    on_test_batch_begin: Any
    on_test_batch_end: Any
    on_predict_batch_begin: Any
    on_predict_batch_end: Any

    def __init__(self, callbacks: Any = None, model: Any = None, **params: Any) -> None:
        self.callbacks = list(callbacks or ())
        self.params, self.model = params, model
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
        for hook in BATCH_HOOKS:
            setattr(self, hook, self._of_batches(hook))

    @classmethod
    def of(
        cls, callbacks: Any, model: Any, verbose: int, history: bool = True, **params: Any
    ) -> CallbackList:
        """The user's callbacks with a progress bar and a history; a ready list as it is."""
        from graphc.keras.callbacks.logs import History, ProgbarLogger

        if isinstance(callbacks, CallbackList):
            return callbacks
        listed = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
        listed = [callback for callback in listed if callback is not None]
        if verbose and not any(isinstance(c, ProgbarLogger) for c in listed):
            listed.append(ProgbarLogger("steps"))
        if history:
            made = next((c for c in listed if isinstance(c, History)), None)
            if made is None:
                made = History()
                listed.append(made)
            model.history = made
        return cls(listed, model, verbose=verbose, **params)

    def append(self, callback: Callback) -> None:
        self.__init__([*self.callbacks, callback], self.model, **self.params)  # type: ignore[misc]

    def _of_batches(self, hook: str) -> Callable[..., None] | None:
        calls = [c for c in self.callbacks if not hasattr(c, "_overrides") or c._overrides(hook)]
        if not calls:
            return None
        plain = [getattr(c, hook) for c in calls if getattr(c, "_takes_tensors", False)]
        others = [getattr(c, hook) for c in calls if not getattr(c, "_takes_tensors", False)]

        def run(batch: int, logs: Any = None) -> None:
            for call in plain:
                call(batch, logs)
            if others:
                numbers = _numbers(logs)
                for call in others:
                    call(batch, numbers)

        return run

    def __getattr__(self, hook: str) -> Callable[..., None]:
        if hook not in HOOKS:
            raise AttributeError(hook)

        def run(*args: Any) -> None:
            if hook.startswith("on_epoch"):
                args = (args[0], args[1] if len(args) > 1 and args[1] is not None else {})
            elif not args or args[0] is None:
                args = ({},)
            for callback in self.callbacks:
                getattr(callback, hook)(*args)

        return run


def _numbers(logs: Any) -> dict[str, Any]:
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
