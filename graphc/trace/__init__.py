"""Running the user's function: tensors, variables, tapes, and the tracer that records a graph."""
