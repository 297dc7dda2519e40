"""``python -m pipeline.cli``: `sixfold` where the console script is not on the path."""

from pipeline.cli import main

main()
