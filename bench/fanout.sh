#!/usr/bin/env bash
# Deliveries a second of one shard on one core: a closed loop of publications to many subscribers.
#
#   bench/fanout.sh [SUBSCRIBERS] [PAYLOAD] [IN_FLIGHT] [SECONDS] [RUNS]
#
# The server is pinned to core 0, the clients (bench/load/swarm.cc, one thread) to core 1; how much
# each used of its core says which of them was saturated. Nothing else should run on the machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

subscribers=${1:-1000} payload=${2:-64} in_flight=${3:-4} seconds=${4:-5} runs=${5:-5}
build=${MILLRACE_BUILD:-build/release}
for program in millrace swarm; do
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

# CPU seconds that a process has used, from fields 14 and 15 of its stat file (proc(5)).
cpu_seconds() {
  awk -v ticks="$(getconf CLK_TCK)" '{ print ($14 + $15) / ticks }' "/proc/$1/stat"
}

taskset -c 0 "$build/millrace" serve --insecure --shards 1 --listen 127.0.0.1:0 \
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
  before=$(cpu_seconds "$server")
  counted="$(metric deliveries_total) $(metric sends_total)"
  taskset -c 1 "$build/swarm" --to "$address" --connections "$subscribers" \
    --payload "$payload" --publish "$in_flight" --seconds "$seconds" >"$work/run"
  after=$(cpu_seconds "$server")
  line=$(tail -n 1 "$work/run")
  rate=$(sed 's/.*"deliveries_per_second":\([0-9]*\).*/\1/' <<<"$line")
  took=$(sed 's/.*"seconds":\([0-9.]*\).*/\1/' <<<"$line")
  client=$(sed 's/.*"client_cpu":\([0-9.]*\).*/\1/' <<<"$line")
  counted+=" $(metric deliveries_total) $(metric sends_total)"
  awk -v run="$run" -v rate="$rate" -v cpu="$before $after" -v took="$took" -v client="$client" \
    -v counted="$counted" 'BEGIN {
      split(cpu, c, " ")
      split(counted, n, " ")
      printf "%3d  %12d  %10.0f%%  %10.0f%%  %17.2f\n", run, rate, 100 * (c[2] - c[1]) / took,
        100 * client, (n[3] - n[1]) / (n[4] - n[2])
    }'
  echo "$rate" >>"$work/rates"
done
sort -n "$work/rates" | awk '{ r[NR] = $1 }
  END {
    printf "\nmedian %d, lowest %d, highest %d deliveries/s\n", r[int((NR + 1) / 2)], r[1], r[NR]
  }'
