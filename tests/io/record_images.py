"""Record TensorFlow's pictures: ``python -m tests.io.record_images``, with TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

from tests.io.image_cases import CASES, evaluate

RECORDED = Path(__file__).with_name("images.json")


def main() -> None:
    import numpy as np
    import tensorflow as tf

    rows = (f"{json.dumps(c)}: {json.dumps(evaluate(tf, np, c))}" for c in CASES)
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
