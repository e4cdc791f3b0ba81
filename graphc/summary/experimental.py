"""Steps of summaries that name none (TF: ``tf.summary.experimental``)."""

from graphc.summary.writer import get_step, set_step

__all__ = ["get_step", "set_step"]
