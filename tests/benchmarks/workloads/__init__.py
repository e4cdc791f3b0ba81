"""One file for each workload; `tests.benchmarks.workload` says what is in it."""
