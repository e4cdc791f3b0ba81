"""From graphs to arrays: interpreter, planner, code generator, loader and the native driver."""
