# shellcheck shell=bash
# `./dev fuzz`, in its parts; `dev` sources this file and lends it say, die, install and the rest.
#
# What a run learns goes to build/fuzz/corpus/NAME, what breaks a target to build/fuzz/finds/NAME;
# tests/fuzz/corpus/NAME is read, and changed by --merge only.

# Beside what building takes: the compiler, its libFuzzer and sanitizers, and names in stacks.
fuzz_packages() { printf '%s\n' clang libclang-rt-dev llvm; }

fuzz_names() {
  local file
  for file in tests/fuzz/*_fuzz.cc; do
    file=${file##*/}
    printf '%s\n' "${file%_fuzz.cc}"
  done
}

fuzz_help() {
  printf 'usage: ./dev fuzz NAME|all [--minutes M] [--merge] [-FLAG=VALUE...] [FILE...]\n\n'
  local name
  for name in $(fuzz_names); do
    # The first line of a target's head comment.
    printf '  %-16s %s\n' "$name" "$(sed -n '1s|^// ||p' "tests/fuzz/${name}_fuzz.cc")"
  done
  printf '\nWithout --minutes it runs until Ctrl-C. Files are replayed, once each;\n'
  printf 'what begins with one - goes to libFuzzer.\n'
  printf -- '--merge brings what runs have learned into tests/fuzz/corpus, as little as does.\n'
}

# fuzz_build NAME...
fuzz_build() {
  local packages targets
  install_compile
  mapfile -t packages < <(fuzz_packages)
  install "${packages[@]}"
  targets=("${@/#/fuzz_}")
  build fuzz "${targets[@]}"
}

# fuzz_program NAME ARGUMENT...
fuzz_program() {
  local name=$1
  shift
  ASAN_OPTIONS=${ASAN_OPTIONS:-malloc_context_size=8:strict_string_checks=1} \
    UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    without_randomisation "build/fuzz/fuzz_$name" "$@"
}

# One line of what a run did, out of libFuzzer's log.
fuzz_summary() {
  awk -v name="$1" '
    /^#[0-9]+/ { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1)
                                            if ($i == "ft:") features = $(i + 1) } }
    /^stat::number_of_executed_units:/ { runs = $2 }
    /^stat::average_exec_per_sec:/ { speed = $2 }
    /^stat::new_units_added:/ { added = $2 }
    /^stat::peak_rss_mb:/ { memory = $2 }
    END { printf "fuzz: %s: %d executions, %d exec/s, coverage %d edges, %d features, ", name,
            runs, speed, cov, features
          printf "%d new inputs, %d MiB\n", added, memory }' "$2"
}

# fuzz_run NAME SECONDS FLAG...: SECONDS of 0 are for ever.
fuzz_run() {
  local name=$1 seconds=$2 code=0
  shift 2
  local finds=build/fuzz/finds/$name learned=build/fuzz/corpus/$name log=build/fuzz/$name.log
  mkdir -p "$finds" "$learned"
  # Programs of moves are long, and reach thousands of features: to rank those takes longer than to
  # run the input.
  if [[ $name == shard || $name == admin ]]; then
    set -- -entropic=0 -max_len=512 -len_control=20 "$@"
  fi
  say "fuzz: $name; its log is in $log"
  fuzz_program "$name" "-artifact_prefix=$finds/" "-dict=tests/fuzz/$name.dict" \
    "-max_total_time=$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 "$@" \
    "$learned" "tests/fuzz/corpus/$name" >"$log" 2>&1 || code=$?
  fuzz_summary "$name" "$log"
  ((code == 0)) && return
  # Ctrl-C is no finding: libFuzzer ends with 72 then.
  ((code == 72 || code == 130)) && return
  tail -n 40 "$log" >&2
  local find
  find=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  say "fuzz: $name FAILED; replay it: ./dev fuzz $name ${find:-(no file: see $log)}"
  return 1
}

# fuzz_merge NAME: the smallest set of known inputs that reaches all that they reach.
fuzz_merge() {
  local name=$1 file corpus=tests/fuzz/corpus/$1 merged=build/fuzz/merged/$1
  rm -rf "$merged"
  mkdir -p "$merged" "build/fuzz/corpus/$name" "$corpus"
  # How often an edge is taken tells programs of moves apart; for all others it makes many files.
  local counters=0
  [[ $name == shard ]] && counters=1
  fuzz_program "$name" -set_cover_merge=1 -use_counters=$counters -timeout=20 "$merged" "$corpus" \
    "build/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 ||
    die 1 "fuzz: $name: merge failed, see build/fuzz/$name.log"
  # Inputs with a name of their own are those of bugs: they stay, whatever they reach.
  find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{10}' -delete
  for file in "$merged"/*; do
    [[ -f $file ]] && cp "$file" "$corpus/$(basename "$file" | cut -c1-10)"
  done
  say "fuzz: $corpus: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
}

fuzz() {
  local name='' minutes='' merge=no flags=() files=()
  while (($#)); do
    case $1 in
      --minutes) minutes=${2:-} && shift ;;
      --minutes=*) minutes=${1#*=} ;;
      --merge) merge=yes ;;
      -*) flags+=("$1") ;;
      *) if [[ -z $name ]]; then name=$1; else files+=("$1"); fi ;;
    esac
    (($#)) && shift
  done
  [[ -n $name ]] || { fuzz_help && return; }
  [[ -z $minutes || $minutes =~ ^[0-9]+$ ]] || die 64 "--minutes takes a whole number"
  local names=("$name")
  [[ $name == all ]] && mapfile -t names < <(fuzz_names)
  [[ -f tests/fuzz/${names[0]}_fuzz.cc ]] ||
    die 64 "no fuzz target \`$name\`; ./dev fuzz lists them"
  [[ $name != all || -n $minutes || $merge == yes ]] || die 64 "fuzz all takes --minutes M, of each"
  fuzz_build "${names[@]}"
  if ((${#files[@]})); then
    mkdir -p "build/fuzz/finds/$name"
    fuzz_program "$name" "-artifact_prefix=build/fuzz/finds/$name/" "${flags[@]}" "${files[@]}"
    return
  fi
  local failed=()
  for name in "${names[@]}"; do
    if [[ $merge == yes ]]; then
      fuzz_merge "$name"
    else
      fuzz_run "$name" $((${minutes:-0} * 60)) "${flags[@]}" || failed+=("$name")
    fi
  done
  ((${#failed[@]} == 0)) || die 1 "fuzz: findings in ${failed[*]}; they are in build/fuzz/finds"
}
