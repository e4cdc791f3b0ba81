"""Record what TensorFlow gives for `cases.py`: ``python -m tests.data.record``, with TensorFlow."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.data.cases import CASES, describe, write_files, write_records

RECORDED = Path(__file__).with_name("recorded.json")


def main() -> None:
    import numpy as np
    import tensorflow as tf

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        records = write_records(tf, folder)
        for case in CASES:
            found[case] = describe(tf, np, case, folder)
    found["records"] = records.hex()
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
    RECORDED.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
