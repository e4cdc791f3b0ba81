"""Callbacks that steer training: stop it, change the learning rate, keep the best weights."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.callbacks.callback import Callback


class _Monitor(Callback):
    """A callback that looks at one of the logs."""

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        self.monitor, self.mode = monitor, mode
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode {mode} is unknown, fallback to auto mode.",
                stacklevel=3,
            )
            mode = "auto"
        upwards = monitor.startswith("fmeasure") or monitor.endswith(("acc", "accuracy", "auc"))
        self.upwards = mode == "max" or (mode == "auto" and upwards)
        self.monitor_op = np.greater if self.upwards else np.less
        self.min_delta = abs(min_delta) if self.upwards else -abs(min_delta)
        self._worst = -np.inf if self.upwards else np.inf

    def _value(self, logs: Any, needed_for: str) -> Any:
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{needed_for} conditioned on metric `{self.monitor}` which is not available."
                f" Available metrics are: {','.join(logs or {})}",
                stacklevel=3,
            )
        return value

    def _improves(self, value: Any, best: Any) -> bool:
        return bool(self.monitor_op(value - self.min_delta, best))


class EarlyStopping(_Monitor):
    """Stops when ``monitor`` has not improved for ``patience`` epochs."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.stopped_epoch, self.wait, self.best_epoch = 0, 0, 0
        self.best: Any = self._worst
        self.best_weights: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self._worst, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        current = self._value(logs, "Early stopping")
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
        self.wait += 1
        if self._improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose > 0:
                    print(
                        "Restoring model weights from the end of the best epoch:"
                        f" {self.best_epoch + 1}."
                    )
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class ReduceLROnPlateau(_Monitor):
    """Multiplies the learning rate by ``factor`` after ``patience`` epochs without improvement."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, kwargs.get("epsilon", min_delta))
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Got {factor}")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: Any = self._worst
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = {} if logs is None else logs
        rate = learning_rate(self.model)
        logs["lr"] = rate
        current = self._value(logs, "Learning rate reduction is")
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                new = max(rate * self.factor, self.min_lr)
                set_learning_rate(self.model, new)
                if self.verbose > 0:
                    print(
                        f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}."
                    )
                self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch to ``schedule(epoch, rate)``."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        try:
            rate = self.schedule(epoch, learning_rate(self.model))
        except TypeError:  # an older form of schedules knows the epoch only
            rate = self.schedule(epoch)
        if not isinstance(rate, tf.Tensor | float | np.float32 | np.float64):
            raise ValueError(f'The output of the "schedule" function should be float. Got: {rate}')
        set_learning_rate(self.model, rate)
        if self.verbose > 0:
            print(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to"
                f" {learning_rate(self.model)}."
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs["lr"] = learning_rate(self.model)


def learning_rate(model: Any) -> float:
    """The optimizer's learning rate now; ``ValueError`` for an optimizer without one."""
    if not hasattr(model.optimizer, "learning_rate"):
        raise ValueError('Optimizer must have a "learning_rate" attribute.')
    return float(np.asarray(model.optimizer.learning_rate))


def set_learning_rate(model: Any, rate: Any) -> None:
    model.optimizer.learning_rate = float(np.asarray(rate))


class TerminateOnNaN(Callback):
    """Stops at the first batch whose loss is not a finite number."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class ModelCheckpoint(_Monitor):
    """Saves the model, or its weights, after epochs or every ``save_freq`` batches.

    ``filepath`` may hold ``{epoch}`` and names of logs: ``weights.{epoch:02d}-{val_loss:.2f}``.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode)
        for unknown in kwargs.keys() - {"period", "load_weights_on_restart"}:
            raise TypeError(
                f"Invalid keyword arguments: ({unknown!r},). ModelCheckpoint has no such argument."
            )
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer"
            )
        self.filepath = os.fspath(filepath)
        self.verbose, self.save_best_only = verbose, save_best_only
        self.save_weights_only, self.save_freq = save_weights_only, save_freq
        self.period = kwargs.get("period", 1)
        self.load_weights_on_restart = kwargs.get("load_weights_on_restart", False)
        self.best = self._worst if initial_value_threshold is None else initial_value_threshold
        self._epochs = self._batches = self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        if self.load_weights_on_restart and os.path.exists(self.filepath):
            self.model.load_weights(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def _overrides(self, hook: str) -> bool:
        return hook == "on_train_batch_end" and self.save_freq != "epoch"

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._epochs += 1
        if self.save_freq == "epoch" and self._epochs >= self.period:
            self._epochs = 0
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        path = self._path(epoch, batch, logs or {})
        if self.save_best_only:
            current = self._value(logs, "Can save best model only")
            if current is None:
                return
            if not self._improves(current, self.best):
                if self.verbose > 0:
                    print(
                        f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}"
                    )
                return
            if self.verbose > 0:
                print(
                    f"\nEpoch {epoch + 1}: {self.monitor} improved from {self.best:.5f} to"
                    f" {current:.5f}, saving model to {path}"
                )
            self.best = current
        elif self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: saving model to {path}")
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: Any) -> str:
        try:
            if batch is None or "{batch" not in self.filepath:
                return self.filepath.format(epoch=epoch + 1, **logs)
            return self.filepath.format(epoch=epoch + 1, batch=batch + 1, **logs)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}'
            ) from error


class BackupAndRestore(Callback):
    """Lets training that was interrupted go on with the epoch after the last one finished."""

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        delete_checkpoint: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"`save_freq` must be 'epoch' or a number of batches: {save_freq!r}")
        self.backup_dir, self.save_freq = Path(backup_dir), save_freq
        self.delete_checkpoint = delete_checkpoint

    @property
    def _file(self) -> Path:
        return self.backup_dir / "backup.keras_backup"

    def on_train_begin(self, logs: Any = None) -> None:
        from graphc.keras.engine.saving import load_state  # knows models, and they callbacks

        self._epoch = 0
        if self._file.exists():
            self.params["resume"] = load_state(self.model, self._file)["epoch"] + 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def _overrides(self, hook: str) -> bool:
        return hook == "on_train_batch_end" and self.save_freq != "epoch"

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (batch + 1) % self.save_freq == 0:
            self._save(self._epoch - 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch)

    def _save(self, epoch: int) -> None:
        from graphc.keras.engine.saving import save_state  # see above

        self.backup_dir.mkdir(parents=True, exist_ok=True)
        save_state(self.model, self._file, {"epoch": epoch})

    def on_train_end(self, logs: Any = None) -> None:
        if self.delete_checkpoint and self._file.exists():
            self._file.unlink()


class TensorBoard(Callback):
    """Writes the logs of each epoch as TensorBoard's events: ``train`` and ``validation`` in
    ``log_dir``; weights as histograms every ``histogram_freq`` epochs.
    """

    def __init__(
        self, log_dir: Any = "logs", histogram_freq: int = 0, write_graph: bool = True,
        write_images: bool = False, update_freq: Any = "epoch", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.log_dir, self.histogram_freq = os.fspath(log_dir), histogram_freq
        self.write_graph, self.write_images, self.update_freq = (
            write_graph,
            write_images,
            update_freq,
        )
        self._writers: dict[str, Any] = {}
        self._steps = 0

    def _writer(self, kind: str) -> Any:
        if kind not in self._writers:
            path = os.path.join(self.log_dir, kind)
            self._writers[kind] = tf.summary.create_file_writer(path)
        return self._writers[kind]

    def _write(self, logs: Any, step: int, prefix: str) -> None:
        for name, value in (logs or {}).items():
            kind = "validation" if name.startswith("val_") else "train"
            with self._writer(kind).as_default():
                tf.summary.scalar(f"{prefix}_{name.removeprefix('val_')}", value, step=step)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._writer("train")

    def _overrides(self, hook: str) -> bool:
        return hook == "on_train_batch_end" and self.update_freq != "epoch"

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._steps += 1
        every = 1 if self.update_freq == "batch" else self.update_freq
        if self._steps % every == 0:
            self._write(logs, self._steps, "batch")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._write(logs, epoch, "epoch")
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            with self._writer("train").as_default():
                for variable in self.model.weights:
                    name = re.sub(r":\d+$", "", variable.name)
                    tf.summary.histogram(name, variable.numpy(), step=epoch)

    def on_train_end(self, logs: Any = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
