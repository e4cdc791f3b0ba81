"""``tf.config.experimental``: old names, and questions that have one answer on a CPU."""

from __future__ import annotations

from typing import Any

from graphc.config.devices import (
    LogicalDeviceConfiguration as VirtualDeviceConfiguration,
)
from graphc.config.devices import (
    get_logical_device_configuration as get_virtual_device_configuration,
)
from graphc.config.devices import (
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    require,
    set_visible_devices,
)
from graphc.config.devices import (
    set_logical_device_configuration as set_virtual_device_configuration,
)

__all__ = [
    "VirtualDeviceConfiguration", "enable_op_determinism", "enable_tensor_float_32_execution",
    "get_device_details", "get_device_policy", "get_memory_growth", "get_memory_info",
    "get_memory_usage", "get_synchronous_execution", "get_virtual_device_configuration",
    "get_visible_devices", "list_logical_devices", "list_physical_devices", "reset_memory_stats",
    "set_device_policy", "set_memory_growth", "set_synchronous_execution",
    "set_virtual_device_configuration", "set_visible_devices", "tensor_float_32_execution_enabled",
]  # fmt: skip

_tensor_float_32 = True


def set_memory_growth(device: Any, enable: bool) -> None:
    """Refuse, as TensorFlow does for a CPU (``ValueError``): there is no pool that could grow."""
    require(device)
    raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")


def get_memory_growth(device: Any) -> bool:
    """Raise ``KeyError``: a CPU has no setting, as in TensorFlow."""
    require(device)
    raise KeyError(device)


def get_memory_info(device: str) -> dict[str, int]:
    """What TensorFlow answers for a CPU: the system's memory is not counted."""
    if str(device).upper().lstrip("/").removeprefix("DEVICE:").split(":")[0] != "CPU":
        raise ValueError(f"No matching devices found for {device!r}")
    return {"current": 0, "peak": 0}


def get_memory_usage(device: str) -> int:
    return get_memory_info(device)["current"]


def reset_memory_stats(device: str) -> None:
    get_memory_info(device)


def get_device_details(device: Any) -> dict[str, Any]:
    """Details are known of GPUs only."""
    require(device)
    return {}


def enable_op_determinism() -> None:
    """Nothing to do: every op gives the same result on every run."""


def enable_tensor_float_32_execution(enabled: bool) -> None:
    """Note the choice; CPUs have no TensorFloat-32."""
    global _tensor_float_32
    _tensor_float_32 = bool(enabled)


def tensor_float_32_execution_enabled() -> bool:
    return _tensor_float_32


def get_synchronous_execution() -> bool:
    """Ops have run when their call returns."""
    return True


def set_synchronous_execution(enable: bool) -> None:
    """Accepted; ops run synchronously in any case."""


def get_device_policy() -> str:
    return "silent"


def set_device_policy(device_policy: str | None) -> None:
    """Accepted, if TensorFlow knows the word; with one device nothing is ever copied."""
    if device_policy not in (None, "silent", "silent_for_int32", "warn", "explicit"):
        raise ValueError(f"Not a valid device policy: {device_policy!r}")
