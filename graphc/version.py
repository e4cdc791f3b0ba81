"""``tf.version``: which graphc this is, in the names of TensorFlow's scripts."""

from __future__ import annotations

VERSION = "0.1.0"
GIT_VERSION = "unknown"  # a released package does not know its commit
COMPILER_VERSION = "numba"  # what turns graphs into machine code
GRAPH_DEF_VERSION = GRAPH_DEF_VERSION_MIN_CONSUMER = GRAPH_DEF_VERSION_MIN_PRODUCER = 0
