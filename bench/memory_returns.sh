#!/bin/bash
# Does a server's memory come back after its clients have gone? Ten times 100,000 of them connect,
# subscribe and leave; after each round the server's resident memory and slots are looked at.
#
#   bench/memory_returns.sh [ROUNDS [CONNECTIONS]]
#
# Exits with 1 if the last round's memory is more than 5 % off the first one's, or a slot is lost.
# Needs ./dev build; with more than 250,000 connections a larger net.ipv4.tcp_mem.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-10}
connections=${2:-100000}
build=${MILLRACE_BUILD:-build/release}
port=$((20000 + RANDOM % 10000))
clients=127.0.0.1:$port
admin=127.0.0.1:$((port + 1))
log=$(mktemp)
config=$log.toml
echo '[namespaces.default]' >"$config" # channels that keep nothing

"$build/millrace" serve --insecure --config "$config" --listen "$clients" --admin "$admin" \
  --shards 14 --max-connections "$connections" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" || true; rm -f "$log" "$config"' EXIT
for ((i = 0; i < 100; ++i)); do
  grep -q '^millrace ready' "$log" && break
  sleep 0.1
done
grep -q '^millrace ready' "$log" || { cat "$log" >&2; exit 1; }

resident() { awk '/^Rss/ { print $2 }' "/proc/$server/smaps_rollup"; }
gauge() { curl -s "http://$admin/metrics" | awk -v name="millrace_$1" '$1 == name { print $2 }'; }

printf '%-8s %12s %14s %10s %10s\n' round 'open, s' 'resident, KiB' sockets clients
printf '%-8s %12s %14s\n' start - "$(resident)"
first=0
for ((round = 1; round <= rounds; ++round)); do
  seconds=$("$build/millrace-load" storm --target "$clients" --connections "$connections" \
    --subscribe news --phases open,close --quiet --json - 2>/dev/null |
    node -p 'JSON.parse(require("fs").readFileSync(0)).phases[0].seconds.toFixed(2)')
  for ((i = 0; i < 50 && $(gauge connections) > 0; ++i)); do sleep 0.2; done
  sleep 1
  now=$(resident)
  ((round > 1)) || first=$now
  printf '%-8s %12s %14s %10s %10s\n' "$round" "$seconds" "$now" "$(gauge connections)" \
    "$(gauge clients)"
done
off=$(awk -v a="$first" -v b="$now" 'BEGIN { printf "%.1f", (b - a) * 100 / a }')
echo "after $rounds rounds: $off % against the first"
[[ $(gauge connections) == 0 ]] || { echo "slots are lost" >&2; exit 1; }
awk -v off="$off" 'BEGIN { exit !(off <= 5 && off >= -5) }' || { echo "more than 5 %" >&2; exit 1; }
