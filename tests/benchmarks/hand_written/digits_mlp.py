"""The digits' classifier: see `perceptron`."""

from tests.benchmarks.hand_written.perceptron import program as program
