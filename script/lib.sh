# What the commands in this folder share: the environments inside the checkout, made once and remade when a lock changes.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
tools=$root/.tools
me=script/$(basename "$0")
uv=$tools/uv/bin/uv
cd "$root"

say() { printf '%s: %s\n' "$me" "$*" >&2; }

fail() {
  say "$*"
  exit 2
}

# A Python of 3.11 or newer to begin with; nothing is ever installed into it.
base_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  fail "no Python 3.11 or newer in PATH. Install one, for example: sudo apt-get install python3"
}

# Changes when the named files do, or when the checkout moves (environments carry absolute paths).
digest() { { printf '%s\n' "$root"; cat -- "$@"; } | sha256sum | cut -d' ' -f1; }

# One set-up at a time in one checkout; the lock ends with the function that took it.
lock_setup() {
  mkdir -p "$tools"
  exec 9>"$tools/setup.lock"
  if command -v flock >/dev/null; then flock 9; fi
}
unlock_setup() { exec 9>&-; }

apt_install() {
  say "installing $* with apt"
  # The packaged services are not ours to start.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local status=0
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$tools/apt.log" 2>&1 ||
    { apt-get update -qq </dev/null >"$tools/apt.log" 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >>"$tools/apt.log" 2>&1; } ||
    status=$?
  [ -z "$made" ] || rm -f "$policy"
  [ "$status" = 0 ] || { say "apt could not install $*:"; tail -n 5 "$tools/apt.log" >&2; }
  return "$status"
}

is_debian_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# uv, at the version and hash of requirements-tools.lock.
ensure_uv() {
  local stamp=$tools/uv/stamp want python
  want=$(digest requirements-tools.lock)
  # uv does not read pip's configuration: a mirror or certificate set there holds for it too.
  python=$(base_python)
  if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    local index
    index=$("$python" script/fetch_uv.py --print-index)
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
  fi
  [ -n "${SSL_CERT_FILE:-}" ] || [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"
  export UV_PYTHON_DOWNLOADS=never
  [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || return 0

  say "installing uv into .tools"
  rm -rf "$tools/uv"
  if "$python" -m venv "$tools/uv" >"$tools/uv.log" 2>&1; then
    install_uv_by_pip || uv_missing
  else
    say "this Python cannot make environments with pip (Debian: python3-venv is not installed); fetching uv's wheel itself"
    rm -rf "$tools/uv"
    "$python" script/fetch_uv.py requirements-tools.lock "$tools/uv/bin" >>"$tools/uv.log" 2>&1 ||
      { is_debian_root && apt_install python3-venv && "$python" -m venv "$tools/uv" >>"$tools/uv.log" 2>&1 && install_uv_by_pip; } ||
      uv_missing
  fi
  "$uv" --version >/dev/null || uv_missing
  printf '%s' "$want" >"$stamp"
}

install_uv_by_pip() {
  "$tools/uv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements-tools.lock >>"$tools/uv.log" 2>&1
}

uv_missing() {
  tail -n 5 "$tools/uv.log" >&2
  fail "uv could not be installed (above: why; all of it in .tools/uv.log). Needed: the Python package index, and on Debian: sudo apt-get install python3-venv"
}

# ensure_environment DIRECTORY PYTHON LOCK…: a virtual environment of exactly the last lock, with this checkout in it.
# An environment of one of the other locks named will do as it is.
ensure_environment() {
  local directory=$1 python=$2 lock want have
  shift 2
  have=$(cat "$directory/stamp" 2>/dev/null || true)
  for lock in "$@"; do
    want=$(digest "$lock" pyproject.toml)
    if [ "$have" = "$want" ]; then return 0; fi
  done
  say "making $directory from $lock ($("$python" -V))"
  rm -f "$directory/stamp"
  if [ "$("$directory/bin/python" -c 'import sys; print(sys.prefix)' 2>/dev/null)" != "$root/$directory" ]; then
    "$uv" venv -q --clear --python "$python" "$directory"
  fi
  # Compiled at once: tests and a slow machine's first command do not pay for it.
  "$uv" pip sync -q --compile-bytecode --python "$directory/bin/python" --require-hashes "$lock"
  # A lock without what an editable install is built with is for an environment that has nothing of ours.
  if grep -q '^editables==' "$lock"; then
    "$uv" pip install -q --python "$directory/bin/python" --no-deps --no-build-isolation --editable .
    "$directory/bin/python" -m compileall -q gateway/obisgw
  fi
  printf '%s' "$want" >"$directory/stamp"
}

# .venv with what runs, or with what tests as well.
ensure_runtime() {
  lock_setup
  ensure_uv
  ensure_environment .venv "$(base_python)" requirements-dev.lock requirements.lock
  unlock_setup
}

ensure_development() {
  lock_setup
  ensure_uv
  ensure_environment .venv "$(base_python)" requirements-dev.lock
  unlock_setup
}

# ensure_home_assistant newest|minimum|real: .venv-ha or .venv-ha-minimum with Home Assistant's own test package, or
# .venv-hass with Home Assistant itself; fails where no Python for it can be had.
ensure_home_assistant() {
  local python status=0 suffix
  case $1 in
    newest) suffix=ha ;;
    minimum) suffix=ha-minimum ;;
    real) suffix=hass ;;
  esac
  lock_setup
  ensure_uv
  if python=$(UV=$uv bash script/provision-python "$tools"); then
    ensure_environment ".venv-$suffix" "$python" "requirements-$suffix.lock" || status=$?
  else
    status=1
  fi
  unlock_setup
  return "$status"
}

# A real broker; the path is added because Debian keeps it where only root's PATH looks.
ensure_mosquitto() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  export PATH
  ! command -v mosquitto >/dev/null || return 0
  lock_setup
  if is_debian_root && apt_install mosquitto; then
    # Ours is started by the tests; the package's own must not come up at the next boot either.
    if command -v systemctl >/dev/null; then systemctl disable mosquitto >/dev/null 2>&1 || true; fi
  fi
  unlock_setup
  command -v mosquitto >/dev/null || {
    say "the MQTT broker Mosquitto is missing. Install it, for example: sudo apt-get install mosquitto"
    return 1
  }
}
