"""The MNIST classifier: see `perceptron`."""

from __future__ import annotations

from tests.benchmarks.hand_written import perceptron
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.mnist_mlp import RATE


def program(data: Data) -> Program:
    found = perceptron.program(data, RATE)
    found.check = perceptron.program(data)
    return found
