#!/usr/bin/env bash
# Deliveries a second of one shard on one core: a closed loop of publications to many subscribers.
#
#   bench/fanout.sh [SUBSCRIBERS] [PAYLOAD] [IN_FLIGHT] [SECONDS] [RUNS]
#
# The server is pinned to core 0, the clients (millrace-load) to core 1; how much each used of its
# core says which of them was saturated. Nothing else should run on the machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

subscribers=${1:-1000} payload=${2:-64} in_flight=${3:-4} seconds=${4:-5} runs=${5:-5}
build=${MILLRACE_BUILD:-build/release}
for program in millrace millrace-load; do
  [[ -x $build/$program ]] || {
    echo "fanout: $build/$program is missing; build it: cmake --build --preset release" >&2
    exit 69
  }
done

work=$(mktemp -d)
server=
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# Channels that keep nothing, and publishers that nothing holds back but the server's pace.
echo '[namespaces.default]' >"$work/plain.toml"
MILLRACE_LIMITS_COMMANDS_PER_SECOND=0 taskset -c 0 "$build/millrace" serve --insecure \
  --config "$work/plain.toml" --shards 1 --listen 127.0.0.1:0 \
  --admin 127.0.0.1:0 >"$work/out" 2>"$work/err" &
server=$!
for _ in $(seq 50); do
  grep -q '^millrace ready' "$work/out" && break
  sleep 0.1
done
address=$(sed -n 's/^millrace ready listen=\([^ ]*\) .*/\1/p' "$work/out")
[[ -n $address ]] || {
  cat "$work/err" >&2
  exit 1
}

admin=$(sed -n 's/^millrace ready .*admin=\([^ ]*\) .*/\1/p' "$work/out")
metric() { curl -s "http://$admin/metrics" | awk -v name="millrace_$1" '$1 == name { print $2 }'; }

printf 'machine    %s cores, %s, Linux %s\n' "$(nproc)" \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)"
printf 'commit     %s\n' "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
printf 'workload   %s B to %s subscribers, %s publications in flight, %s s a run\n\n' \
  "$payload" "$subscribers" "$in_flight" "$seconds"
printf 'run  deliveries/s  server core  client core  deliveries a send\n'
for run in $(seq "$runs"); do
  counted="$(metric deliveries_total) $(metric sends_total)"
  taskset -c 1 "$build/millrace-load" fanout --target "$address" --connections "$subscribers" \
    --size "$payload" --in-flight "$in_flight" --duration "${seconds}s" --publish-by client \
    --quiet --events - --server-pid "$server" >"$work/run" 2>"$work/summary" || {
    cat "$work/summary" >&2
    exit 1
  }
  line=$(grep '"event":"end".*"name":"load"' "$work/run")
  rate=$(sed 's/.*"deliveries_per_second":\([0-9]*\).*/\1/' <<<"$line")
  cores=$(sed 's/.*"cpu":{"server":\([0-9.]*\),.*"client":\([0-9.]*\),.*/\1 \2/' <<<"$line")
  counted+=" $(metric deliveries_total) $(metric sends_total)"
  awk -v run="$run" -v rate="$rate" -v cores="$cores" -v counted="$counted" 'BEGIN {
      split(cores, c, " ")
      split(counted, n, " ")
      printf "%3d  %12d  %10.0f%%  %10.0f%%  %17.2f\n", run, rate, 100 * c[1], 100 * c[2],
        (n[3] - n[1]) / (n[4] - n[2])
    }'
  echo "$rate" >>"$work/rates"
done
sort -n "$work/rates" | awk '{ r[NR] = $1 }
  END {
    printf "\nmedian %d, lowest %d, highest %d deliveries/s\n", r[int((NR + 1) / 2)], r[1], r[NR]
  }'
