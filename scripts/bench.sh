#!/usr/bin/env bash
# Runs the benches: all of them, or one part with its numbers.
#
#   scripts/bench.sh [bulk|watch|suggest|store|memory|click|sdks [NUMBER…]]
#
# The first run takes minutes more: it builds, and fetches what the bot is measured against, by pinned versions.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TARGET="${CARGO_TARGET_DIR:-$PWD/target}"
export RIVALS="$TARGET/tools/rivals"

# Only what the part needs.
case "${1:-all}" in
  all) rivals=(python javascript poise) ;;
  sdks) rivals=(python javascript) ;;
  click) rivals=(javascript poise) ;;
  *) rivals=() ;;
esac

for rival in "${rivals[@]}"; do
  mkdir -p "$RIVALS"
  case "$rival" in
    python)
      if ! cmp -s benches/rivals/python/requirements.txt "$RIVALS/python/requirements.txt"; then
        python3 -m venv "$RIVALS/python"
        "$RIVALS/python/bin/python3" -m pip install --quiet --disable-pip-version-check \
          -r benches/rivals/python/requirements.txt
        cp benches/rivals/python/requirements.txt "$RIVALS/python/"
      fi
      ;;
    javascript)
      if ! cmp -s benches/rivals/javascript/package-lock.json "$RIVALS/javascript/package-lock.json"; then
        mkdir -p "$RIVALS/javascript"
        cp benches/rivals/javascript/package.json "$RIVALS/javascript/"
        cp benches/rivals/javascript/package-lock.json "$RIVALS/javascript/wanted.json"
        (cd "$RIVALS/javascript" && mv wanted.json package-lock.json && npm ci --silent --no-audit --no-fund) \
          || { rm -f "$RIVALS/javascript/package-lock.json"; exit 1; }
      fi
      cp benches/rivals/javascript/*.mjs "$RIVALS/javascript/"
      ;;
    poise)
      cargo build --quiet --locked --release --manifest-path benches/rivals/poise/Cargo.toml --target-dir "$TARGET/poise"
      cp "$TARGET/poise/release/rival-poise" "$RIVALS/poise"
      ;;
  esac
done

# The store's part measures both databases, with writes that wait for the disk.
TEST_POSTGRES_DURABLE=on exec ./scripts/postgres.sh cargo bench --bench measure -- "$@"
