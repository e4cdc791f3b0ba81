"""Callbacks that show or write what is logged."""

from __future__ import annotations

import csv
import json
import time
import urllib.request
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from graphc.keras.callbacks.callback import Callback, numbers
from graphc.keras.utils.progbar import Progbar


class History(Callback):
    """The logs of each epoch by name; what ``fit`` returns."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class BaseLogger(Callback):
    """Averages logs over the batches of an epoch; ``stateful_metrics`` are averages already."""

    def __init__(self, stateful_metrics: Any = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._seen = 0
        self.totals: dict[str, float] = {}

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        size = (logs or {}).get("size", 1)
        self._seen += size
        for name, value in (logs or {}).items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            else:
                self.totals[name] = self.totals.get(name, 0.0) + value * size

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        known = {m.name for m in self.model.metrics} | self.stateful_metrics
        for name, total in self.totals.items():
            if logs is not None and name not in known:
                logs[name] = total / max(self._seen, 1)


class ProgbarLogger(Callback):
    """A progress bar for each epoch; ``verbose=2`` writes one line instead."""

    _takes_tensors = True  # they become numbers when the bar is drawn

    def __init__(self, count_mode: str = "steps", stateful_metrics: Any = None) -> None:
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f"Unknown `count_mode`: {count_mode}")
        self._bar: Progbar | None = None
        self._due = 0.0
        self._training = False

    def _begin(self) -> None:
        self._bar = Progbar(
            self.params.get("steps"), verbose=self.params.get("verbose", 1), unit_name="step"
        )
        self._bar.stateful_metrics = _Everything()
        self._due = 0.0
        self._steps = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._training = True

    def on_train_end(self, logs: Any = None) -> None:
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.params.get("verbose") and self.params.get("epochs", 1) > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._steps = batch + 1
        now = time.perf_counter()
        if now >= self._due and self._bar is not None and self._bar.verbose == 1:
            self._due = now + self._bar.interval
            if self._steps != self._bar.target:
                self._bar.update(self._steps, list(numbers(logs).items()), finalize=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._end(logs)

    def _end(self, logs: Any) -> None:
        if self._bar is not None:
            self._bar.target = self._bar.target or self._steps
            self._bar.update(self._steps, list((logs or {}).items()), finalize=True)
            self._bar = None

    def on_test_begin(self, logs: Any = None) -> None:
        if not self._training:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._training:
            self.on_train_batch_end(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        if not self._training:
            self._end(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_train_batch_end(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        self._end(None)


class _Everything:
    """Contains every name: what metrics say is an average already."""

    def __contains__(self, name: object) -> bool:
        return True


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = Path(filename), separator, append
        self.keys: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        exists = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        self._has_header = exists
        self._file = self.filename.open("a" if self.append else "w", newline="")
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            names = [*self.keys]
            if not any(name.startswith("val_") for name in names):  # epochs may validate later
                names += [f"val_{name}" for name in names]
            self._writer = csv.DictWriter(
                self._file, ["epoch", *names], restval="NA", delimiter=self.sep,
                extrasaction="ignore",
            )  # fmt: skip
            if not self._has_header:
                self._writer.writeheader()
        row = {"epoch": epoch} | {name: _written(value) for name, value in logs.items()}
        self._writer.writerow(row)
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        self._file.close()


def _written(value: Any) -> Any:
    return value if np.ndim(value) == 0 else f'"[{", ".join(map(str, value))}]"'


class RemoteMonitor(Callback):
    """Posts the logs of each epoch to a server as JSON; a warning if it cannot be reached."""

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers or {}, send_as_json

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        body = json.dumps({"epoch": epoch, **(logs or {})}, default=float)
        headers = dict(self.headers)
        if self.send_as_json:
            headers.setdefault("Content-Type", "application/json")
        else:
            body = urlencode({self.field: body})
        request = urllib.request.Request(self.root + self.path, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except OSError:
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2)
