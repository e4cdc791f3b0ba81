"""Record Keras's preprocessing layers: ``python -m tests.keras.preprocessing.record_layers`` where
TensorFlow is installed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.keras.preprocessing.layers import cases, plain

FILE = Path(__file__).with_name("layers.json")

if __name__ == "__main__":
    from keras import layers

    found = {}
    for name, run in cases(layers):
        try:
            found[name] = plain(run())
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")
    FILE.write_text(json.dumps(found), encoding="utf-8")
