"""What an inference costs, on emulated boards and on this computer: `make bench`, or ``python -m benchmarks``."""
