# ./dev coverage: which lines of core/, proto/ and net/ the tests run. Part of `dev`, which reads
# this when it is asked for.

# Per cent of the lines of proto/ and of net/.
readonly coverage_floor=90
readonly coverage_folder=build/coverage

# coverage_of ROOM: prints its files; fails below the floor.
coverage_of() {
  say "== $1/"
  gcovr --root . --add-tracefile "$coverage_folder/lines.json" --filter "$1/" \
    --fail-under-line "$coverage_floor"
}

# The arguments go to ctest: -L unit counts what the unit tests alone run.
coverage() {
  local code=0
  install_all
  install gcovr
  build coverage
  find "$coverage_folder" -name '*.gcda' -delete
  ctest --preset coverage --parallel "$(nproc)" "$@" ||
    die 1 "coverage: a test failed (above), so nothing is counted"
  gcovr --root . -j "$(nproc)" --filter core/ --filter proto/ --filter net/ \
    --json "$coverage_folder/lines.json" "$coverage_folder"
  coverage_of core || true
  coverage_of proto || code=1
  coverage_of net || code=1
  mkdir -p "$coverage_folder/html"
  gcovr --root . --add-tracefile "$coverage_folder/lines.json" \
    --html-details "$coverage_folder/html/index.html"
  say "dev: line by line: $coverage_folder/html/index.html"
  ((code == 0)) ||
    die 1 "coverage: tests run less than $coverage_floor % of the lines of proto/ or of net/"
}
