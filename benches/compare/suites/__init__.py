"""What is measured: one module a suite, each with `run`, which fills in its part of the results."""
