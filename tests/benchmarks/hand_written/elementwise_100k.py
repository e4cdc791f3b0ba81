"""The chain of twelve as one loop."""

from tests.benchmarks.hand_written.chain import program as program
