"""The names of TensorFlow's tensor library, recorded once.

``python -m tests.namespaces.names`` (where tensorflow is installed) writes names.txt anew.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

RECORD = Path(__file__).parent / "names.txt"
NAMESPACES = (
    "math", "math.special", "linalg", "bitwise", "strings", "random", "random.experimental",
    "signal", "sets", "dtypes", "nn", "sparse", "ragged", "debugging", "config",
    "config.experimental", "config.optimizer", "config.threading", "errors", "version",
    "sysconfig", "test", "autodiff", "nest", "compat", "quantization",
)  # fmt: skip
# Functions of tf itself that serve TensorFlow's own files and C++ libraries.
OTHERS = (
    "check_pinned", "conv2d_backprop_filter_v2", "conv2d_backprop_input_v2", "import_graph_def",
    "load_library", "load_op_library", "make_ndarray", "make_tensor_proto", "no_gradient",
    "nondifferentiable_batch_function",
)  # fmt: skip


def find(tf: Any, name: str) -> Any:
    """What ``tf.name`` is, None if nothing."""
    for part in name.split(".") if name else ():
        tf = getattr(tf, part, None)
    return tf


def names() -> list[str]:
    return RECORD.read_text(encoding="utf-8").split()


def record() -> None:
    import tensorflow

    found = []
    for namespace in ("", *NAMESPACES):
        module = find(tensorflow, namespace)
        for name in sorted(n for n in dir(module) if not n.startswith("_")):
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                continue
            if namespace or (callable(value) and name not in OTHERS):
                found.append(f"{namespace}.{name}" if namespace else name)
    RECORD.write_text("\n".join(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
