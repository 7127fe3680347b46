# shellcheck shell=bash
# `./dev test`, in its parts; `dev` sources this file and lends it say, die, build and the rest.

# stage NAME COMMAND...: runs it, says how long it took, and ends everything if it fails.
stage() {
  local name=$1 start=$SECONDS code=0
  shift
  say "== $name"
  set +e
  (
    set -e
    "$@"
  )
  code=$?
  set -e
  ((code == 0)) || die "$code" "test: $name failed after $((SECONDS - start)) s"
  stages+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
}

# beside COMMAND...: begins it, which is made of stages, at the lowest priority: tests, which mostly
# wait, leave the cores to it. `joined` waits for its end.
beside() {
  local known=${#stages[@]}
  set -m # a process group of its own, to be ended as one
  (
    set -e
    renice -n 19 "$BASHPID" >/dev/null
    "$@"
    printf '%s\n' "${stages[@]:known}" >build/beside.stages
  ) >build/beside.log 2>&1 </dev/null &
  beside_pid=$!
  set +m
  # shellcheck disable=SC2064
  trap "kill -- -$beside_pid 2>/dev/null || true" EXIT
}

joined() {
  local code=0 more
  wait "$beside_pid" || code=$?
  trap - EXIT
  cat build/beside.log >&2
  ((code == 0)) || exit "$code"
  mapfile -t more <build/beside.stages
  stages+=("${more[@]}")
}

lint_and_build_asan() {
  stage "lint" lint_sources
  stage "asan, ubsan: build" build asan
}

build_tsan() { stage "tsan: build" build tsan; }

tests_of() { ctest --preset "$1" --parallel "$(nproc)"; }

# One more at a time than there are cores: the longest wait for clocks.
sanitized_tests_of() {
  without_randomisation ctest --preset "$1" --parallel "$(($(nproc) + 1))"
}

all_tests() {
  local quick=no
  [[ ${1:-} == --quick ]] && quick=yes && shift
  (($# == 0)) || die 64 "test takes --quick or nothing; one test: docs/HACKING.md"
  local stages=() beside_pid
  stage "install" install_all
  stage "format" command_format --check
  stage "release: build" build release
  if [[ $quick == yes ]]; then
    stage "lint" lint_sources
    stage "release: tests" tests_of release
  else
    beside lint_and_build_asan
    stage "release: tests" tests_of release
    joined
    beside build_tsan
    stage "asan, ubsan: tests" sanitized_tests_of asan
    joined
    stage "tsan: cross-thread tests" sanitized_tests_of tsan
  fi
  printf '%s\n' "${stages[@]}" >&2
  say "dev: all passed in $SECONDS s"
}
