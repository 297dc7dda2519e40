#!/bin/sh
# Classifies images, or proves that this board computes what it should: ./run.sh --help
exec python3 "$(dirname "$0")/run.py" "$@"
