"""The limits: one numba function for each workload, written by hand."""
