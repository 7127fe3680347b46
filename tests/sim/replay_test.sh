#!/usr/bin/env bash
# replay_test.sh SIM: a seed replays alike, twice, trace and all; another seed does not.
set -euo pipefail
sim=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for seed in 1 2 3; do
  "$sim" --seed "$seed" >"$folder/first"
  "$sim" --seed "$seed" >"$folder/second"
  if ! cmp "$folder/first" "$folder/second"; then
    echo "seed $seed went another way the second time" >&2
    exit 1
  fi
  tail -n 1 "$folder/first"
  cut -d ' ' -f 3- <"$folder/first" | tail -n 1 >>"$folder/ends"
done
# Three different seeds that ended alike would mean that the seed is not used.
(($(sort -u "$folder/ends" | wc -l) == 3))
