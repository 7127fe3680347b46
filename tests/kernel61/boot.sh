#!/usr/bin/env bash
# Boots Debian 12's own kernel in qemu, in software (no KVM is needed), and runs tests on it.
#
#   tests/kernel61/boot.sh BUILD      after a build of BUILD, such as build/release
#
# The kernel's package is downloaded, not installed. Programs, their shared libraries and the
# scripts go into an initial memory file system whose first process is tests/kernel61/init.sh.
# Prints what the tests say; exits 0 if all passed, 1 if not or if there is no verdict in time.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
work=$build/kernel61
root=$work/root
seconds=${MILLRACE_KERNEL61_SECONDS:-1500}

die() {
  echo "kernel61: $*" >&2
  exit 1
}

# The name of the package with the newest 6.1 kernel that apt knows.
kernel_package() {
  local name
  name=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-6\.1\..*\)/\1/p')
  [[ -n $name ]] ||
    die "apt knows no 6.1 kernel; this needs Debian 12 and fresh lists (apt-get update)"
  echo "$name"
}

fetch_kernel() {
  local package deb
  package=$(kernel_package)
  cd "$work"
  compgen -G "${package}_*.deb" >/dev/null || apt-get download -q "$package" >/dev/null 2>&1 ||
    die "apt-get can't download $package; fresh lists may help (apt-get update)"
  deb=$(compgen -G "${package}_*.deb" | tail -n 1)
  dpkg-deb --fsys-tarfile "$deb" | tar -x -O --wildcards './boot/vmlinuz-*' >vmlinuz
  echo "kernel61: $deb" >&2
}

# put FILE PATH: the file and the libraries it needs, at the paths where they are looked for.
put() {
  local library
  install -D "$1" "$root/$2"
  while read -r library; do
    [[ -e $root/$library ]] || install -D "$library" "$root/$library"
  done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*')
}

make_root() {
  local program
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/usr" "$root$source_dir/tests"
  ln -s ../bin "$root/usr/bin"
  ln -s ../bin "$root/usr/sbin"
  put /bin/busybox bin/busybox
  for program in millrace millrace-load kernel61_test unit_core unit_proto unit_net; do
    put "$build/$program" "bin/$program"
  done
  for program in node setpriv nats-server; do
    put "$(PATH=$PATH:/usr/sbin command -v $program)" "bin/$program"
  done
  install "$source_dir/tests/kernel61/init.sh" "$root/init"
  cp -r "$source_dir/tests/e2e" "$source_dir/tests/node_modules" "$root$source_dir/tests/"
  # A test compares it with the table in the code.
  install -D "$source_dir/docs/CONFIGURATION.md" "$root$source_dir/docs/CONFIGURATION.md"
  (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/root.gz"
}

# What is NAME=VALUE among the kernel's arguments, the first process has in its environment.
boot() {
  timeout --foreground "$seconds" qemu-system-x86_64 -accel tcg -smp 2 -m 2048 -nographic \
    -nic none -no-reboot -kernel "$work/vmlinuz" -initrd "$work/root.gz" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off SOURCE_DIR=$source_dir" </dev/null |
    tr -d '\r' | tee "$work/console.log" | grep --line-buffered '^kernel61: \|^\[  FAILED\|^not ok'
}

mkdir -p "$work"
(fetch_kernel)
make_root
started=$SECONDS
boot || true
verdict=$(grep -o 'kernel61: [0-9]* passed, [0-9]* failed on .*' "$work/console.log") ||
  die "no verdict after $((SECONDS - started)) s; the console's output is in $work/console.log"
echo "kernel61: booted and run in $((SECONDS - started)) s; the console's output: $work/console.log"
[[ $verdict == *" 0 failed on Linux 6.1."* ]]
