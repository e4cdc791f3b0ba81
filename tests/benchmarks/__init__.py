"""Benchmarks: `python -m tests.benchmarks` prints each figure with its ratio, all from one run."""
