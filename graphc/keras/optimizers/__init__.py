"""``tf.keras.optimizers``."""

from __future__ import annotations

from typing import Any

from graphc.keras.named import lookups
from graphc.keras.optimizers import schedules
from graphc.keras.optimizers.adadelta import Adadelta
from graphc.keras.optimizers.adafactor import Adafactor
from graphc.keras.optimizers.adagrad import Adagrad
from graphc.keras.optimizers.adam import Adam
from graphc.keras.optimizers.adamax import Adamax
from graphc.keras.optimizers.adamw import AdamW
from graphc.keras.optimizers.ftrl import Ftrl
from graphc.keras.optimizers.lion import Lion
from graphc.keras.optimizers.nadam import Nadam
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.optimizers.rmsprop import RMSprop
from graphc.keras.optimizers.sgd import SGD

_NAMED: dict[str, Any] = {
    cls.__name__.lower(): cls
    for cls in (Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, RMSprop, SGD)
}

get, serialize, deserialize = lookups("optimizer", _NAMED, str.lower)

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam",
    "Optimizer", "RMSprop", "deserialize", "experimental", "get", "legacy", "schedules",
    "serialize",
]  # fmt: skip


class _Same:
    """``optimizers.legacy`` and ``.experimental``: the same optimizers under an older address."""

    def __getattr__(self, name: str) -> Any:
        if name in __all__ and name not in ("legacy", "experimental"):
            return globals()[name]
        raise AttributeError(f"module 'graphc.keras.optimizers' has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return list(__all__)


legacy = experimental = _Same()
