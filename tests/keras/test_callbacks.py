"""Every hook is called when it should be, and the thirteen callbacks do what Keras's do."""

from __future__ import annotations

import csv
import http.server
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc import keras
from tests.keras import workloads

x, _, y = workloads.data(20)
callbacks = keras.callbacks


def compiled(rate: float = 0.1) -> Any:
    model = workloads.classifier(keras)
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def fit(model: Any, *hooks: Any, **options: Any) -> Any:
    options = {"epochs": 3, "batch_size": 10, "shuffle": False, "verbose": 0} | options
    return model.fit(x, y, callbacks=list(hooks), **options)


class Script(callbacks.Callback):
    """The next values of a log, whatever the model does."""

    def __init__(self, name: str, *values: float) -> None:
        super().__init__()
        self.name, self.values = name, list(values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]


class Diary(callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []


for hook in callbacks.callback.HOOKS + callbacks.callback.BATCH_HOOKS:

    def note(self: Any, *args: Any, hook: str = hook) -> None:
        told = f" {args[0]}" if isinstance(args[0], int) else ""
        self.calls.append(hook.removeprefix("on_") + told)

    setattr(Diary, hook, note)


def test_hooks_are_called_in_order() -> None:
    diary = Diary()
    model = compiled()
    fit(model, diary, epochs=1, validation_data=(x[:5], y[:5]))
    assert diary.calls == [
        "train_begin", "epoch_begin 0",
        "train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1", "train_batch_end 1",
        "test_begin", "test_batch_begin 0", "test_batch_end 0", "test_end",
        "epoch_end 0", "train_end",
    ]  # fmt: skip
    diary.calls.clear()
    model.evaluate(x, y, batch_size=20, verbose=0, callbacks=[diary])
    model.predict(x, batch_size=20, callbacks=[diary])
    assert diary.calls == [
        "test_begin", "test_batch_begin 0", "test_batch_end 0", "test_end",
        "predict_begin", "predict_batch_begin 0", "predict_batch_end 0", "predict_end",
    ]  # fmt: skip
    assert diary.model is model and diary.params["steps"] == 1


def test_logs_are_numbers_and_history_keeps_them() -> None:
    seen: list[Any] = []
    hook = callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: seen.append((batch, logs)),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, dict(logs))),
    )
    history = fit(compiled(), hook, epochs=1)
    assert [number for number, _ in seen] == [0, 1, 0]
    assert all(type(logs["loss"]) is float for _, logs in seen)
    assert history.history["loss"] == [seen[-1][1]["loss"]] and history.epoch == [0]
    assert history.params["epochs"] == 1


def test_hooks_that_nobody_has_cost_nothing() -> None:
    hooks = callbacks.CallbackList([callbacks.History()], compiled())
    assert hooks.on_train_batch_end is None and hooks.on_train_batch_begin is None


def test_early_stopping() -> None:
    model = compiled()
    script = Script("v", 3.0, 2.0, 2.5, 2.6, 1.0)
    stop = callbacks.EarlyStopping("v", patience=2, restore_best_weights=True)
    weights: list[Any] = []
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda e, logs: weights.append(model.get_weights())
    )
    history = fit(model, keep, script, stop, epochs=5)
    assert history.epoch == [0, 1, 2, 3] and stop.stopped_epoch == 3 and stop.best == 2.0
    assert all(map(np.array_equal, model.get_weights(), weights[1]))
    with pytest.warns(UserWarning, match="Early stopping conditioned on metric `nothing`"):
        fit(model, callbacks.EarlyStopping("nothing"), epochs=1)


def test_the_direction_follows_the_name() -> None:
    stop = callbacks.EarlyStopping("val_accuracy", patience=1)
    history = fit(compiled(), Script("val_accuracy", 0.1, 0.2, 0.1), stop, epochs=3)
    assert len(history.epoch) == 3 and stop.best == 0.2


def test_learning_rates() -> None:
    model = compiled(1.0)
    reduce = callbacks.ReduceLROnPlateau("v", factor=0.5, patience=1, min_lr=0.3)
    logs = fit(model, Script("v", 1.0, 1.0, 1.0, 1.0), reduce, epochs=4).history
    assert logs["lr"] == pytest.approx([1.0, 1.0, 0.5, 0.3])
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    logs = fit(compiled(1.0), halve).history
    assert logs["lr"] == pytest.approx([1.0, 0.5, 0.25])
    with pytest.raises(ValueError, match='"schedule" function should be float'):
        fit(model, callbacks.LearningRateScheduler(lambda epoch: "fast"))


def test_a_loss_that_is_no_number_ends_training(capsys: pytest.CaptureFixture[str]) -> None:
    model = compiled()
    bad = np.where(np.arange(20)[:, None] >= 10, np.nan, x)
    model.fit(bad, y, batch_size=10, epochs=3, shuffle=False, verbose=0,
              callbacks=[callbacks.TerminateOnNaN()])  # fmt: skip
    assert capsys.readouterr().out == "Batch 1: Invalid loss, terminating training\n"
    assert model.history.epoch == [0]


def test_checkpoints(tmp_path: Path) -> None:
    model = compiled()
    best = callbacks.ModelCheckpoint(tmp_path / "best", "v", save_best_only=True)
    every = callbacks.ModelCheckpoint(tmp_path / "w.{epoch:02d}-{v:.1f}", save_weights_only=True)
    often = callbacks.ModelCheckpoint(tmp_path / "batch.{epoch}.{batch}", save_freq=1)
    seen: list[Any] = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(model.get_weights()))
    fit(model, keep, Script("v", 3.0, 1.0, 2.0), best, every, often)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"best", "w.01-3.0", "w.02-1.0", "w.03-2.0", "batch.1.1", "batch.3.2"} <= names
    found = keras.models.load_model(tmp_path / "best")
    assert all(map(np.array_equal, found.get_weights(), seen[1]))
    with pytest.raises(KeyError, match="Failed to format this callback filepath"):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{nothing}"))


def test_training_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    straight = fit(compiled(), epochs=4).history["loss"]

    class Break(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(compiled(), callbacks.BackupAndRestore(tmp_path), Break(), epochs=4)
    assert list(tmp_path.iterdir())
    again = fit(compiled(), callbacks.BackupAndRestore(tmp_path), epochs=4)
    assert again.epoch == [2, 3]
    np.testing.assert_allclose(again.history["loss"], straight[2:], rtol=1e-6)
    assert not list(tmp_path.iterdir())


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    history = fit(compiled(), callbacks.CSVLogger(path), validation_split=0.2).history
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])
    fit(compiled(), callbacks.CSVLogger(path, append=True), validation_split=0.2, epochs=1)
    assert len(path.read_text().splitlines()) == 5


def test_remote_monitor() -> None:
    received: list[Any] = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        root = f"http://127.0.0.1:{server.server_port}"
        history = fit(compiled(), callbacks.RemoteMonitor(root, send_as_json=True), epochs=2)
    finally:
        server.shutdown()
        server.server_close()
    assert [row["epoch"] for row in received] == [0, 1]
    assert [row["loss"] for row in received] == history.history["loss"]


def test_base_logger_averages(capsys: pytest.CaptureFixture[str]) -> None:
    logger = callbacks.BaseLogger(stateful_metrics=["accuracy"])
    fit(compiled(), logger, epochs=1)
    assert set(logger.totals) == {"loss", "accuracy"}


def test_progress_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    history = fit(compiled(), epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    assert lines[1].startswith("2/2 - 0s ") or lines[1].startswith("2/2 - ")
    assert f"loss: {history.history['loss'][0]:.4f} - accuracy: " in lines[1]
    compiled().evaluate(x, y, batch_size=10)
    assert "2/2 [==============================] - " in capsys.readouterr().out


def test_tensorboard_reads_the_logs(tmp_path: Path) -> None:
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs graphc[tensorboard]"
    )
    from tensorboard.util import tensor_util

    board = callbacks.TensorBoard(tmp_path, histogram_freq=1)
    history = fit(compiled(), board, validation_split=0.2, epochs=2).history
    for kind, key in (("train", "loss"), ("validation", "val_loss")):
        found = accumulators.EventAccumulator(str(tmp_path / kind), size_guidance={"tensors": 0})
        found.Reload()
        values = [tensor_util.make_ndarray(e.tensor_proto) for e in found.Tensors("epoch_loss")]
        np.testing.assert_allclose(values, history[key], rtol=1e-6)
    names = accumulators.EventAccumulator(str(tmp_path / "train")).Reload().Tags()["tensors"]
    assert sum(name.endswith("kernel") for name in names) == 2
