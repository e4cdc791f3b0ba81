"""The callbacks of a training, as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.callbacks.callback import BATCH_HOOKS, HOOKS, Callback, numbers
from graphc.keras.callbacks.logs import History, ProgbarLogger


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
                told = numbers(logs)
                for call in others:
                    call(batch, told)

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
