"""Entry point of ``python -m benchmarks.quantisation``."""

from benchmarks.quantisation.cli import main

main()
