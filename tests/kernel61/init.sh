#!/bin/busybox sh
# The first process on the booted kernel: runs the tests that tests/kernel61/boot.sh packed, prints
# a verdict on the console, and powers the machine off. Runs in a memory file system, as root.

passed=0
failed=0

# check NAME SECONDS COMMAND...: what it printed is shown only if it fails.
check() {
  name=$1 limit=$2
  shift 2
  start=$(cut -d. -f1 /proc/uptime)
  if timeout "$limit" "$@" >/tmp/output 2>&1; then
    passed=$((passed + 1)) verdict=passed
  else
    verdict="FAILED with $?"
    failed=$((failed + 1))
    tail -n 100 /tmp/output
  fi
  count=$(sed -n -e 's/^\[  PASSED  \] \([0-9]*\) tests\?\..*/\1 tests/p' \
    -e 's/^# pass \([0-9]*\)/\1 tests/p' /tmp/output)
  echo "kernel61: $name $verdict${count:+, $count}, $(($(cut -d. -f1 /proc/uptime) - start)) s"
}

mount_all() {
  mount -t proc proc /proc
  mount -t sysfs sys /sys
  mount -t devtmpfs dev /dev
  mkdir -p /dev/shm /tmp
  mount -t tmpfs tmpfs /dev/shm
  mount -t tmpfs tmpfs /tmp
}

# wait_for TEXT FILE: until a line begins with it, for 30 s.
wait_for() {
  for _ in $(seq 300); do
    grep -q "^$1" "$2" && return
    sleep 0.1
  done
  echo "no '$1' in:" && cat "$2"
  return 1
}

# Clients subscribe, the API publishes, each client must see each publication once and in order;
# then SIGTERM, which must end the server with 0.
serve() {
  set -e
  export MILLRACE_API_KEY=a-key-of-this-test
  millrace serve --insecure --shards 2 --listen 127.0.0.1:8000 --admin 127.0.0.1:8001 \
    >/tmp/server 2>&1 &
  server=$!
  wait_for "millrace ready" /tmp/server
  cat /tmp/server
  millrace-load listen --target 127.0.0.1:8000 --subscribe news --connections 200 --expect 50 \
    --events - >/tmp/load 2>&1 &
  load=$!
  wait_for '"event":"begin","phase":"expect' /tmp/load
  for i in $(seq 50); do
    wget -q -O /dev/null --header "X-API-Key: $MILLRACE_API_KEY" \
      --post-data "{\"channel\": \"news\", \"data\": {\"seq\": $i}}" \
      http://127.0.0.1:8000/api/publish
  done
  wait "$load" || { cat /tmp/load && exit 1; }
  cat /tmp/load
  millrace-load fanout --target 127.0.0.1:8000 --connections 100 --in-flight 4 --duration 3s \
    --publish-by client
  kill -TERM "$server"
  wait "$server"
}

if [ "$1" = serve ]; then
  serve
  exit
fi

/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox --install -s /bin
mount_all
ip link set lo up
ulimit -n 65536
ulimit -l unlimited

echo # the firmware left the cursor within a line
# What a newer kernel has and 6.1 does not: the mask of tests/kernel61/as_linux_6_1.cc is true.
# By whole paths: a test may start its program anew.
check mask 60 /bin/kernel61_test --gtest_filter='Mask.*'
check serve 120 /init serve
check unit_core 300 /bin/unit_core
check unit_proto 120 /bin/unit_proto
# The link's tests have bounds in wall time, which emulation does not keep.
check unit_net 300 /bin/unit_net --gtest_filter='-NatsLink.*'
# Time stretches as it does with the sanitizers.
export MILLRACE_BIN=/bin/millrace MILLRACE_BUILD=/bin MILLRACE_TEST_SCALE=0.1
for test in lifecycle http frames sdk; do
  check "e2e/$test" 300 node --test "$SOURCE_DIR/tests/e2e/$test.test.mjs"
done

echo "kernel61: $passed passed, $failed failed on Linux $(uname -r), $(uname -v)"
poweroff -f
