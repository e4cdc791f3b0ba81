"""`tf.data.Options`: how pipelines are made; none changes what a dataset gives."""

from __future__ import annotations

import copy
from typing import Any


class _Group:
    """Options that are None until they are set; others than ``NAMES`` there are not."""

    NAMES: tuple[str, ...] = ()

    def __init__(self) -> None:
        for name in self.NAMES:
            super().__setattr__(name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.NAMES:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def merge(self, other: Any) -> Any:
        """These options, with those that are set in the other."""
        made = copy.copy(self)
        for name, value in vars(other).items():
            mine = getattr(made, name)
            if isinstance(value, _Group) and isinstance(mine, _Group):
                value = mine.merge(value)
            if value is not None:
                setattr(made, name, value)
        return made


class ThreadingOptions(_Group):
    """(TF: ``tf.data.ThreadingOptions``)"""

    NAMES = ("max_intra_op_parallelism", "private_threadpool_size")


class OptimizationOptions(_Group):
    """(TF: ``tf.data.experimental.OptimizationOptions``)"""

    NAMES = (
        "apply_default_optimizations", "filter_fusion", "filter_parallelization",
        "inject_prefetch", "map_and_batch_fusion", "map_and_filter_fusion", "map_fusion",
        "map_parallelization", "noop_elimination", "parallel_batch", "seq_interleave_prefetch",
        "shuffle_and_repeat_fusion",
    )  # fmt: skip


class DistributeOptions(_Group):
    """(TF: ``tf.data.experimental.DistributeOptions``)"""

    NAMES = ("auto_shard_policy", "num_devices")


class AutotuneOptions(_Group):
    """(TF: ``tf.data.experimental.AutotuneOptions``)"""

    NAMES = ("autotune_algorithm", "cpu_budget", "enabled", "initial_parallelism", "ram_budget")


class Options(_Group):
    """How a pipeline is made (TF: ``tf.data.Options``).

    They are kept and merged as in TensorFlow; graphc's pipelines make their plans themselves, and
    are always deterministic.
    """

    NAMES = (
        "autotune", "dataset_name", "deterministic", "distribute", "experimental_deterministic",
        "experimental_distribute", "experimental_external_state_policy",
        "experimental_optimization", "experimental_slack", "experimental_symbolic_checkpoint",
        "experimental_threading", "experimental_warm_start", "framework_type",
        "optimization", "threading",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.autotune, self.threading = AutotuneOptions(), ThreadingOptions()
        self.experimental_threading = self.threading
        self.experimental_optimization = OptimizationOptions()
        self.experimental_distribute = DistributeOptions()
