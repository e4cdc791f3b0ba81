"""Devices, as scripts ask for them: there is one, the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class PhysicalDevice(NamedTuple):
    """A device of the machine (TF: ``tf.config.PhysicalDevice``)."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device that programs name (TF: ``tf.config.LogicalDevice``)."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """What a physical device is divided into (TF: ``tf.config.LogicalDeviceConfiguration``)."""

    memory_limit: float | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")
_configured: list[LogicalDeviceConfiguration] | None = None


def _listed(kind: str | None, devices: Sequence[Any]) -> list[Any]:
    return [d for d in devices if kind in (None, d.device_type)]


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU; graphc has no other device."""
    return _listed(device_type, [_CPU])


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The CPU, as often as `set_logical_device_configuration` divided it."""
    count = len(_configured or [None])
    return _listed(device_type, [LogicalDevice(f"/device:CPU:{i}", "CPU") for i in range(count)])


get_visible_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Accept a choice that leaves the CPU visible, as every program needs it.

    Raises ``ValueError`` for what is no device of this machine, or no CPU at all.
    """
    chosen = [devices] if isinstance(devices, PhysicalDevice) else devices
    for each in chosen if isinstance(chosen, list | tuple) else [chosen]:
        require(each)
        if device_type not in (None, each.device_type):
            raise ValueError(f"Device type {each.device_type} is not {device_type}: {each}")
    if device_type in (None, "CPU") and not chosen:
        raise ValueError("the CPU cannot be hidden: graphc computes on it")


def require(device: Any) -> None:
    """Raise ``ValueError`` unless it is a device of this machine."""
    if device != _CPU:
        raise ValueError(f"Unrecognized device: {device!r}; the machine has {_CPU}")


def get_logical_device_configuration(device: Any) -> list[LogicalDeviceConfiguration] | None:
    """What the device is divided into; None if it is not."""
    require(device)
    return _configured


def set_logical_device_configuration(
    device: Any, logical_devices: Sequence[LogicalDeviceConfiguration]
) -> None:
    """Let the CPU have several names; everything still runs on the same cores."""
    global _configured
    require(device)
    for each in logical_devices:
        if each.memory_limit is not None:
            raise ValueError(
                "Setting memory limit on CPU virtual devices is currently not supported"
            )
    _configured = list(logical_devices)
