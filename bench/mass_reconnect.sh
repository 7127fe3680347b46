#!/bin/bash
# Everybody is cut at once and comes back with a token and a position: how long until the last
# client is back and has what it missed, and what does the server take meanwhile? Then a storm: as
# many newcomers as asked, each with a token that is verified.
#
#   bench/mass_reconnect.sh [CONNECTIONS [NEWCOMERS]]      default 50000 100000
#
# Exits with 1 if a client lost or doubled a publication, or 30 s (the storm: 15 s) were not enough.
# Needs ./dev build; with more than 250,000 connections a larger net.ipv4.tcp_mem.
set -euo pipefail
cd "$(dirname "$0")/.."

connections=${1:-50000}
newcomers=${2:-100000}
build=${MILLRACE_BUILD:-build/release}
port=$((20000 + RANDOM % 10000))
clients=127.0.0.1:$port
admin=127.0.0.1:$((port + 1))
room=$(mktemp -d)
secret=$(openssl rand -hex 32)
export MILLRACE_API_KEY=a-key-of-the-benchmarks
cap=$((connections > newcomers ? connections : newcomers))
cat >"$room/millrace.toml" <<END
[token]
hmac_secret = "$secret"
[namespaces.default]
allow_subscribe = ["client"]
history_size = 100
history_ttl = "5m"
delivery = "recoverable"
END

"$build/millrace" serve --config "$room/millrace.toml" --listen "$clients" --admin "$admin" \
  --shards 14 --max-connections "$cap" >"$room/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" || true; rm -rf "$room"' EXIT
for ((i = 0; i < 100; ++i)); do
  grep -q '^millrace ready' "$room/log" && break
  sleep 0.1
done
grep -q '^millrace ready' "$room/log" || { cat "$room/log" >&2; exit 1; }

load() {
  "$build/millrace-load" "$@" --target "$clients" --token-secret "$secret" --subscribe news \
    --quiet --json -
}
gauge() { curl -s "http://$admin/metrics" | awk -v name="millrace_$1" '$1 == name { print $2 }'; }
memory() { awk -v key="$1:" '$1 == key { printf "%.0f", $2 / 1024 }' "/proc/$server/status"; }
# tell PHASE SECONDS: what it took, and whether that is within the bound.
tell() {
  node -e '
    const [name, most] = process.argv.slice(1);
    const run = JSON.parse(require("fs").readFileSync(0));
    const phase = run.phases.find((each) => each.name === name);
    const { holes = 0, duplicates = 0, out_of_order: disorder = 0 } = phase;
    const count = name === "cut" ? "came back and have all" : "are in";
    const up = phase.up ?? run.connections;
    console.log(`${up} ${count} after ${phase.seconds.toFixed(2)} s (at most ${most} s)`);
    console.log(`holes ${holes}, duplicates ${duplicates}, out of order ${disorder}`);
    const { server, client, saturated } = phase.cpu;
    const cores = `server ${server.toFixed(2)}, clients ${client.toFixed(2)}`;
    console.log(`cores: ${cores}; saturated: ${saturated}`);
    for (const failure of run.failures) console.log(`failure: ${failure}`);
    process.exit(run.ok && phase.seconds <= most && holes + duplicates + disorder === 0 ? 0 : 1);
  ' "$@"
}

printf 'machine    %s cores, %s, Linux %s\n' "$(nproc)" \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)"
printf 'commit     %s\n\n' "$(git rev-parse --short HEAD)"
code=0
echo "A mass reconnect of $connections, 20 publications while they are away"
load reconnect --connections "$connections" --recover --cut-publish 20 --rate 10 \
  >"$room/cut" ||
  true # the verdict is in it
tell cut 30 <"$room/cut" || code=1
echo "recoveries $(gauge recoveries_total), not recovered $(gauge unrecovered_total)"
echo "server: $(memory VmRSS) MiB resident, $(memory VmHWM) MiB at most"
for ((i = 0; i < 50 && $(gauge connections) > 0; ++i)); do sleep 0.2; done

echo
echo "A storm of $newcomers, each with a token of its own (HS256)"
load storm --connections "$newcomers" --phases open,close >"$room/storm" || true
tell open 15 <"$room/storm" || code=1
exit "$code"
