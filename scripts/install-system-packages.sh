#!/usr/bin/env bash
# Installs what pip cannot: compilers, the emulator, the debugger. Safe to run again: does nothing where all is there.
set -euo pipefail

packages=(
  gcc g++ make git
  gcc-arm-none-eabi libnewlib-arm-none-eabi
  g++-aarch64-linux-gnu
  qemu-system-arm qemu-user-static gdb-multiarch
  cmake ninja-build
)
# The same list as commands, for systems without apt-get.
commands=(gcc g++ make git arm-none-eabi-gcc aarch64-linux-gnu-g++ qemu-system-arm qemu-aarch64-static gdb-multiarch cmake ninja)

python="$("$(dirname "$0")/find-python.sh")"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  packages+=(python3.11-venv)
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  missing=()
  for command in "${commands[@]}"; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    echo "error: this system has no apt-get; install these commands with its package manager: ${missing[*]}" >&2
    echo "On Debian and Ubuntu they are in the packages: ${packages[*]}" >&2
    exit 2
  fi
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed$' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "system packages: all installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: not root and no sudo; ask an administrator to run: apt-get install ${missing[*]}" >&2
    exit 2
  fi
  as_root=(sudo)
fi

install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
echo "system packages: installing ${missing[*]}"
# A fresh machine has no package lists and one that was not used for long has stale ones: only then are they fetched.
if ! "${install[@]}" install -y --no-install-recommends "${missing[@]}"; then
  echo "system packages: that failed, trying again with fresh package lists"
  "${install[@]}" update
  "${install[@]}" install -y --no-install-recommends "${missing[@]}"
fi
