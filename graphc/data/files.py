"""Datasets of files."""

from __future__ import annotations

import glob
import os
from typing import Any

import numpy as np

import graphc as tf


def matching(patterns: Any) -> np.ndarray:
    """The names of the files that match patterns, in order."""
    listed = np.ravel(tf.convert_to_tensor(patterns, tf.string).numpy())
    names = sorted({os.fsencode(n) for p in listed for n in glob.glob(os.fsdecode(p))})
    if not names:
        shown = ", ".join(os.fsdecode(p) for p in listed)
        raise tf.errors.InvalidArgumentError(f"No files matched pattern: {shown}")
    return np.array(names, object)


def processors() -> int:
    """How many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
