#!/usr/bin/env bash
# mutants_test.sh SIM_MUTANTS: every fault that is built in is found, by a seed that replays; and
# without one the same program finds nothing.
set -uo pipefail
sim=$1
readonly seeds=400
readonly least=18
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
found=0

for mutant in $("$sim" --mutants); do
  "$sim" --mutant "$mutant" --seeds "$seeds" --quiet --jobs 2 >"$folder/out" 2>&1
  code=$?
  if [[ $mutant == none ]]; then
    ((code == 0)) || { echo "none: exit $code" && cat "$folder/out" && failed=1; }
    continue
  fi
  seed=$(sed -n 's/^finding in seed \([0-9]*\);.*/\1/p' "$folder/out" | head -n 1)
  if ((code == 0)) || [[ -z $seed ]]; then
    echo "$mutant: not found in $seeds seeds" && failed=1
    continue
  fi
  # That seed finds it again, and nothing where nothing is built in.
  if "$sim" --mutant "$mutant" --seed "$seed" >/dev/null 2>"$folder/again"; then
    echo "$mutant: seed $seed does not replay it" && failed=1
  fi
  if ! "$sim" --mutant none --seed "$seed" >/dev/null 2>&1; then
    echo "$mutant: seed $seed fails without it too" && failed=1
  fi
  found=$((found + 1))
  printf '%-28s seed %-4s %s\n' "$mutant" "$seed" "$(head -n 1 "$folder/again" | cut -c 1-120)"
done
echo "$found mutants found"
((failed == 0 && found >= least))
