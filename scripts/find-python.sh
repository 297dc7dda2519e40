#!/usr/bin/env bash
# Prints the Python 3.11 to make the environment with. PYTHON overrides the search.
set -euo pipefail

for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python; do
  if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.11 ]; then
    command -v "$candidate"
    exit 0
  fi
done

cat >&2 <<'END'
error: Python 3.11 is needed and was not found.
  Debian 12:                  apt-get install python3.11 python3.11-venv
  Ubuntu, other Debian:       the deadsnakes archive has python3.11 and python3.11-venv; or use pyenv or uv as below
  any system, with pyenv:     pyenv install 3.11 && PYTHON="$(pyenv prefix 3.11)/bin/python" make setup
  any system, with uv:        uv python install 3.11 && PYTHON="$(uv python find 3.11)" make setup
END
exit 2
