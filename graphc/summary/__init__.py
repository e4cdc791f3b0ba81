"""Summaries for TensorBoard (TF: ``tf.summary``): real event files, without its package."""

from graphc.summary import experimental
from graphc.summary.ops import audio, histogram, image, scalar, text, write
from graphc.summary.trace import graph, trace_export, trace_off, trace_on
from graphc.summary.writer import (
    SummaryWriter,
    create_file_writer,
    create_noop_writer,
    flush,
    record_if,
    should_record_summaries,
)

__all__ = [
    "SummaryWriter", "audio", "create_file_writer", "create_noop_writer", "experimental", "flush",
    "graph", "histogram", "image", "record_if", "scalar", "should_record_summaries", "text",
    "trace_export", "trace_off", "trace_on", "write",
]  # fmt: skip
