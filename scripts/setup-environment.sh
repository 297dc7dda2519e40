#!/usr/bin/env bash
# Makes .venv from constraints.txt: every file is checked against its hash. Run by `make setup`; safe to run again,
# also after it was interrupted.
set -euo pipefail
cd "$(dirname "$0")/.."

# An environment that a flaky network cannot break and that asks nobody anything. What the user has set wins.
export PIP_RETRIES="${PIP_RETRIES:-10}" PIP_DEFAULT_TIMEOUT="${PIP_DEFAULT_TIMEOUT:-60}"
export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_USER PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH

environment=.venv
python="$environment/bin/python"
if [ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)" != 3.11 ]; then
  "$(scripts/find-python.sh)" -m venv --clear "$environment"
fi

lines="$(mktemp -d)"
trap 'rm -rf "$lines"' EXIT

# pin NAME: the lines of one package of constraints.txt, not those of another environment that has it too.
pin() {
  awk -v name="$1==" 'index($0, name) == 1 && !/; extra/ { on = 1; print; next } /^[^ ]/ { on = 0 } on' constraints.txt
}

install=("$python" -m pip install --quiet --require-hashes --no-deps)

# setuptools comes before all else because it builds the few packages that the registry has only as source.
pin setuptools > "$lines/setuptools.txt"
"${install[@]}" -r "$lines/setuptools.txt"

# torch is next and without what it asks for: unpinned, it would draw in several GB of CUDA. PyTorch's CPU wheel is
# asked for by its full version first, because pip prefers the registry's build to a wheel in a plain folder.
echo "environment: torch"
pin torch > "$lines/torch.txt"
sed '1s/^torch==[^ ]*/&+cpu/' "$lines/torch.txt" > "$lines/torch-cpu.txt"
if ! "${install[@]}" -r "$lines/torch-cpu.txt" > "$lines/log" 2>&1; then
  if ! grep -q 'No matching distribution found for torch' "$lines/log"; then
    cat "$lines/log" >&2
    exit 1
  fi
  echo "environment: pip knows no source of PyTorch's CPU wheel, so this takes the registry's CUDA build (several GB);"
  echo "environment: docs/troubleshooting.md says how to avoid that"
  "${install[@]}" -r "$lines/torch.txt"
fi

echo "environment: everything else in constraints.txt"
"${install[@]}" --no-build-isolation -r constraints.txt

echo "environment: sixfold"
"$python" -m pip install --quiet --no-deps --no-build-isolation --editable .

# With PyTorch's CPU wheel this does nothing. The registry's wheel for Linux is the CUDA build: its libraries, pinned by
# torch itself, are completed here.
torch="$(pin torch | sed -n '1s/ .*//p')"
"$python" -m pip install --quiet "$torch"
"$python" -m pip check
