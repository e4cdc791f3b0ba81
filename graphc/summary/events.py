"""Event files as TensorBoard reads them: the messages of ``event.proto`` and ``summary.proto``."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from graphc.formats.wire import message
from graphc.io.tensors import serialize

DATA_CLASS = {"scalars": 1, "histograms": 2, "text": 2, "images": 3, "audio": 3}


def version() -> bytes:
    """The first event of every file."""
    return message((1, time.time()), (3, "brain.Event:2"))


def of_summary(step: int, tag: str, tensor: bytes, metadata: bytes) -> bytes:
    """An event with one summary."""
    value = message((1, tag), (8, tensor), (9, metadata))
    return message((1, time.time()), (2, step), (5, message((1, value))))


def of_graph(graph_def: bytes) -> bytes:
    """An event with the graph of a run."""
    return message((1, time.time()), (4, graph_def))


def of_run(step: int, tag: str, run_metadata: bytes) -> bytes:
    """An event with the timings of a run, to be chosen by its tag."""
    return message((1, time.time()), (2, step), (8, message((1, tag), (2, run_metadata))))


def metadata(plugin: str, description: str | None = None, content: bytes = b"") -> bytes:
    """Which plugin of TensorBoard shows a summary, and what it says of it."""
    data = message((1, plugin), (2, content or None))
    return message((1, data), (3, description or None), (4, DATA_CLASS.get(plugin)))


def tensor_proto(value: Any) -> bytes:
    """``TensorProto`` of an array, or of bytes and lists of bytes."""
    return serialize(np.asarray(value, object if isinstance(value, bytes | list) else None))
