#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server that lives only as long as the command does.
#
#   scripts/postgres.sh cargo nextest run
#
# The command finds the server's address in TEST_POSTGRES_URL. The server listens on a socket in a folder of its own and
# writes without waiting for the disk (with TEST_POSTGRES_DURABLE=on it waits), so it is fast and nothing of it is left.
# Without PostgreSQL this fails.

set -euo pipefail

[ "$#" -gt 0 ] || { echo "usage: scripts/postgres.sh COMMAND [ARGUMENT…]" >&2; exit 2; }

# Debian keeps the server's programs out of PATH, one folder for each version; the newest is taken.
newest="$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)"
export PATH="${newest:+$newest:}$PATH"
if ! command -v initdb >/dev/null || ! command -v postgres >/dev/null; then
  echo "scripts/postgres.sh: there is no PostgreSQL server here; scripts/setup.sh test installs it or says what to install" >&2
  exit 1
fi

durable="${TEST_POSTGRES_DURABLE:-off}"
folder="$(mktemp -d "${TMPDIR:-/tmp}/postgres-for-tests.XXXXXX")"
server=""

# PostgreSQL refuses to run as root; Debian's package brings a user for it.
as_server=()
if [ "$(id -u)" -eq 0 ]; then
  if ! id postgres >/dev/null 2>&1; then
    echo "scripts/postgres.sh: PostgreSQL does not run as root, and there is no user 'postgres'" >&2
    exit 1
  fi
  chown postgres "$folder"
  as_server=(setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups)
fi

end() {
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
    kill -INT "$server"    # fast: connections are ended, not waited for
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$folder"
"${as_server[@]}" initdb --pgdata "$folder/data" --username tester --auth trust --encoding UTF8 --no-locale --no-sync \
  >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }
"${as_server[@]}" "$(command -v postgres)" -D "$folder/data" -k "$folder" -c listen_addresses= \
  -c max_connections=400 -c "fsync=$durable" -c "synchronous_commit=$durable" -c "full_page_writes=$durable" \
  -c shared_buffers=128MB \
  >"$folder/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
  psql -h "$folder" -U tester -d postgres -qAtc 'SELECT 1' >/dev/null 2>&1 && break
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$folder/server.log" >&2
    exit 1
  fi
  sleep 0.1
done
cd "$OLDPWD"

TEST_POSTGRES_URL="postgres://tester@localhost/postgres?host=$folder" "$@"
