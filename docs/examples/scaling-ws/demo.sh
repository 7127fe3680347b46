#!/usr/bin/env bash
# Runs the example until Ctrl-C: two millrace nodes, an API server with a page, and nats-server.
set -euo pipefail
millrace=${MILLRACE_BIN:+$(realpath -m -- "$MILLRACE_BIN")}
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly millrace=${millrace:-$(realpath -m ../../../build/release/millrace)}
readonly api_port=3000
readonly client_ports=(8000 8002)
readonly admin_ports=(8001 8003)
# Not 4222: Debian's package starts a nats-server of the system there.
readonly nats_port=4333
readonly start_seconds=15
readonly end_seconds=5
readonly restart_seconds=5

readonly usage="usage: ./dev demo [--without-nats]

Starts two nodes, an API server and a page to open in two tabs.
  --without-nats   the problem: the API server reaches only the node that it publishes to
  (nothing)        the solution: it publishes to NATS, and both nodes deliver"

say() { printf '%s\n' "$*" >&2; }

# die CODE MESSAGE
die() {
  say "demo: $2"
  exit "$1"
}

with_nats=yes
for argument in "$@"; do
  case $argument in
    --without-nats) with_nats=no ;;
    --help | -h) echo "$usage" && exit 0 ;;
    *) die 64 "does not know \`$argument\`; there is --without-nats" ;;
  esac
done

# What the shell has set for another server must not reach these.
for variable in "${!MILLRACE_@}"; do unset "$variable"; done

# --- What must be there ---------------------------------------------------------------------------

need() {
  command -v "$1" >/dev/null ||
    die 69 "$1 is missing; ./dev demo installs it, or: apt-get install $2"
}

check_tools() {
  [[ -x $millrace ]] ||
    die 69 "there is no server $millrace; ./dev demo builds it, or MILLRACE_BIN names another"
  need node nodejs
  need npm npm
  need curl curl
  [[ $with_nats == no ]] || need nats-server nats-server
  node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' ||
    die 69 "node is older than 18: $(node --version)"
}

check_ports() {
  local port ports=("$api_port" "${client_ports[@]}" "${admin_ports[@]}")
  [[ $with_nats == no ]] || ports+=("$nats_port")
  for port in "${ports[@]}"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      die 74 "port $port is taken; end what listens there (as root, ss -tlnp names it)"
    fi
  done
}

install_packages() {
  local installed=node_modules/.package-lock.json
  [[ $installed -nt package-lock.json && $installed -nt package.json ]] && return
  npm ci --prefer-offline --no-audit --no-fund >&2 || die 69 "npm ci failed; its message is above"
}

# --- Start and end --------------------------------------------------------------------------------

names=()
pids=()
node_pids=()
logs=''

# start NAME COMMAND...
start() {
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 </dev/null &
  pids+=("$!")
  names+=("$name")
  disown "$!"  # else bash reports in its own words when one is killed
}

running() { kill -0 "$1" 2>/dev/null; }

end_all() {
  local code=$? pid deadline
  trap '' INT TERM HUP
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  deadline=$((SECONDS + end_seconds))
  for pid in "${pids[@]}"; do
    while running "$pid" && ((SECONDS < deadline)); do sleep 0.05; done
    if running "$pid"; then kill -KILL "$pid" 2>/dev/null || true; fi
  done
  [[ -z $logs ]] || rm -rf "$logs"
  exit "$code"
}

show_log() {
  say "demo: the end of what $1 said:"
  tail -n 15 "$logs/$1.log" >&2
}

# wait_for NAME URL: until the last one that was started answers 200 there.
wait_for() {
  local deadline=$((SECONDS + start_seconds))
  until curl -fsS -m 2 -o /dev/null "$2" 2>/dev/null; do
    if ! running "${pids[-1]}" || ((SECONDS >= deadline)); then
      show_log "$1"
      die 1 "$1 did not start"
    fi
    sleep 0.1
  done
}

start_nats() {
  start nats-server nats-server -a 127.0.0.1 -p "$nats_port" -m -1
  local deadline=$((SECONDS + start_seconds))
  until (exec 3<>"/dev/tcp/127.0.0.1/$nats_port") 2>/dev/null; do
    if ! running "${pids[-1]}" || ((SECONDS >= deadline)); then
      show_log nats-server
      die 1 "nats-server did not start"
    fi
    sleep 0.1
  done
}

start_node() {
  local i=$1 options=(--insecure --shards 1) port
  for port in "$api_port" "${admin_ports[@]}"; do
    options+=(--allowed-origin "http://127.0.0.1:$port" --allowed-origin "http://localhost:$port")
  done
  if [[ $with_nats == yes ]]; then options+=(--nats "nats://127.0.0.1:$nats_port"); fi
  MILLRACE_SERVER_PIN=false start "node-$((i + 1))" "$millrace" serve "${options[@]}" \
    --listen "127.0.0.1:${client_ports[i]}" --admin "127.0.0.1:${admin_ports[i]}"
  node_pids[i]=${pids[-1]}
  wait_for "node-$((i + 1))" "http://127.0.0.1:${admin_ports[i]}/readyz"
}

start_api_server() {
  local target=(--nats "nats://127.0.0.1:$nats_port")
  if [[ $with_nats == no ]]; then target=(--http "http://127.0.0.1:${client_ports[0]}"); fi
  start api-server node api-server.mjs --port "$api_port" "${target[@]}" \
    --nodes "ws://127.0.0.1:${client_ports[0]},ws://127.0.0.1:${client_ports[1]}"
  wait_for api-server "http://127.0.0.1:$api_port/"
}

explain() {
  local what='the problem: no NATS, and the API server publishes to node 1' other
  local sees='Only the tab on node 1 shows the message.' way='./dev demo'
  other='The solution'
  if [[ $with_nats == yes ]]; then
    what='the solution: the API server publishes to NATS, and both nodes listen'
    sees='Both tabs show the message, once each.'
    way='./dev demo --without-nats'
    other='The problem'
  fi
  cat <<TEXT

This is $what.

  1. Open two tabs:   http://127.0.0.1:$api_port/?node=1
                      http://127.0.0.1:$api_port/?node=2
  2. Publish:         the button POST /ping in a tab, or
                      curl -X POST http://127.0.0.1:$api_port/ping

$sees
$other: $way

Counters and a console:  http://127.0.0.1:${admin_ports[0]}/ of node 1
                         http://127.0.0.1:${admin_ports[1]}/ of node 2
A node that dies:        kill -9 ${node_pids[0]} (it starts again after $restart_seconds s)

Logs while it runs: $logs. Ctrl-C ends everything.
TEXT
}

# restart_node I: after a while in which its tab can be seen to wait.
restart_node() {
  local i=$1 k
  say "demo: node $((i + 1)) has ended; it starts again in $restart_seconds s"
  for k in "${!pids[@]}"; do
    if [[ ${pids[k]} == "${node_pids[i]}" ]]; then unset "pids[k]" "names[k]"; fi
  done
  pause "$restart_seconds"
  start_node "$i"
  say "demo: node $((i + 1)) is back: kill -9 ${node_pids[i]}"
}

# Unlike a plain sleep, `wait` lets a signal through at once.
pause() {
  sleep "$1" &
  wait "$!" || true
}

# Until a signal, or the end of something that should not end.
watch() {
  local i
  while true; do
    for i in "${!node_pids[@]}"; do
      running "${node_pids[i]}" || restart_node "$i"
    done
    for i in "${!pids[@]}"; do
      running "${pids[i]}" && continue
      # A node that died since the loop above is for the next turn.
      [[ ${names[i]} == node-* ]] && continue
      show_log "${names[i]}"
      die 1 "${names[i]} has ended, so the demo ends too"
    done
    pause 1
  done
}

check_tools
check_ports
install_packages
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
logs=$(mktemp -d)
MILLRACE_API_KEY=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export MILLRACE_API_KEY
if [[ $with_nats == yes ]]; then start_nats; fi
start_node 0
start_node 1
start_api_server
explain
watch
