"""``tf.device`` and ``tf.DeviceSpec``: names of devices are checked; everything runs on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class DeviceSpec:
    """The parts of a device's name (TF: ``tf.DeviceSpec``)."""

    job: str | None = None
    replica: int | None = None
    task: int | None = None
    device_type: str | None = None
    device_index: int | None = None

    def __post_init__(self) -> None:
        if self.device_type is not None:
            object.__setattr__(self, "device_type", str(self.device_type).upper())

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """Read ``/job:worker/replica:0/task:1/device:CPU:0``, or a part of it.

        Raises ``ValueError`` for what is no name of a device.
        """
        found: dict[str, Any] = {}
        for part in filter(None, spec.split("/")):
            key, *rest = part.split(":")
            if key == "job" and len(rest) == 1:
                found["job"] = rest[0]
            elif key in ("replica", "task") and len(rest) == 1 and rest[0].isdigit():
                found[key] = int(rest[0])
            else:
                found.update(_device(part, rest if key == "device" else [key, *rest], spec))
        return cls(**found)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        return self.from_string(spec)

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """This one, with what the other one says put over it."""
        return self.replace(**{k: v for k, v in vars(dev).items() if v is not None})

    def replace(self, **kwargs: Any) -> DeviceSpec:
        return replace(self, **kwargs)

    def to_string(self) -> str:
        parts = [f"/{k}:{v}" for k, v in list(vars(self).items())[:3] if v is not None]
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            parts.append(f"/device:{self.device_type}:{index}")
        return "".join(parts)


def _device(part: str, words: list[str], spec: str) -> dict[str, Any]:
    kind, index = (*words, "*")[:2]
    known = kind.upper() in ("CPU", "GPU", "TPU", "XLA_CPU", "XLA_GPU")
    if not known or len(words) > 2 or not (index == "*" or index.isdigit()):
        raise ValueError(
            f"Unknown attribute {part!r} is encountered while parsing the device spec: {spec!r}."
        )
    return {"device_type": kind, "device_index": None if index == "*" else int(index)}


_logged = False


def set_log_device_placement(enabled: bool) -> None:
    """Note the choice; every op is placed on the CPU, so nothing is logged."""
    global _logged
    _logged = bool(enabled)


def get_log_device_placement() -> bool:
    """What `set_log_device_placement` chose."""
    return _logged


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Check a device's name (TF: ``tf.device``); a device that is not there is replaced by the CPU.

    Raises ``ValueError`` for what is no name of a device.
    """
    if isinstance(device_name, str):
        DeviceSpec.from_string(device_name)
    elif device_name is not None and not isinstance(device_name, DeviceSpec):
        raise ValueError(f"a device is a string, a tf.DeviceSpec or None, got {device_name!r}")
    yield
