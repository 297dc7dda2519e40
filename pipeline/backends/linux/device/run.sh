#!/bin/sh
# Classifies images, or proves that this board computes what it should: ./run.sh --help
# -B: the folder stays as it was copied.
exec python3 -B "$(dirname "$0")/run.py" "$@"
