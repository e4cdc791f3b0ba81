"""Writes what real Keras logs and saves for `workloads`: run it where TensorFlow is installed.

python -m tests.keras.record
"""

from __future__ import annotations

import json
from pathlib import Path

RECORDED = Path(__file__).with_name("histories.json")

if __name__ == "__main__":
    import keras

    from tests.keras.workloads import WORKLOADS, convolutional

    found = {
        "keras": keras.__version__,
        "histories": {name: fit(keras) for name, fit in WORKLOADS.items()},
    }
    model, x = convolutional(keras)
    model.save(RECORDED.with_name("real.keras"))
    found["predicted"] = model.predict(x, verbose=0).tolist()
    RECORDED.write_text(json.dumps(found, indent=1, default=float))
