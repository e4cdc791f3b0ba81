"""Settings that layers share: dtype, epsilon, layout of images, names that were given."""

from __future__ import annotations

from collections import defaultdict


class _Settings:
    floatx = "float32"
    epsilon = 1e-7
    image_data_format = "channels_last"
    learning_phase: int | None = None
    names: defaultdict[str, int] = defaultdict(int)  # how often each was given to a layer


def floatx() -> str:
    """The dtype of layers that are given none."""
    return _Settings.floatx


def set_floatx(value: str) -> None:
    if value not in ("float16", "float32", "float64", "bfloat16"):
        raise ValueError(f"Unknown `floatx` value: {value}. Expected a floating point dtype.")
    _Settings.floatx = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite."""
    return _Settings.epsilon


def set_epsilon(value: float) -> None:
    _Settings.epsilon = float(value)


def image_data_format() -> str:
    return _Settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown `data_format`: {data_format}")
    _Settings.image_data_format = data_format


def learning_phase() -> int:
    """1 while training, where that was set for all."""
    return _Settings.learning_phase or 0


def phase_of_all() -> int | None:
    """What `set_learning_phase` said; None if it was not called."""
    return _Settings.learning_phase


def set_learning_phase(value: int) -> None:
    if value not in (0, 1):
        raise ValueError(f"Expected learning phase to be 0 or 1, received {value}.")
    _Settings.learning_phase = value


def get_uid(prefix: str = "") -> int:
    """How many names have begun so, this one included."""
    _Settings.names[prefix] += 1
    return _Settings.names[prefix]


def unique_name(prefix: str) -> str:
    """``dense``, ``dense_1``, ``dense_2``, ..."""
    count = get_uid(prefix) - 1
    return f"{prefix}_{count}" if count else prefix


def reset_uids() -> None:
    _Settings.names.clear()


def clear_session() -> None:
    """Names of layers begin again at the first."""
    reset_uids()
    _Settings.learning_phase = None
