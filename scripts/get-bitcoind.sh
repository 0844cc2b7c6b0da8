#!/usr/bin/env bash
# Fetches a real bitcoind for tests on regtest: Debian sid's bitcoin-knots with every library it needs, the C library and
# its loader included, so that it runs on systems far older than sid. Nothing is installed, and root is not needed.
set -euo pipefail
umask 022

readonly READY=0 FAILED=1 USAGE=2 IMPOSSIBLE=3
readonly PACKAGE=bitcoin-knots
readonly PROGRAMS='bitcoind bitcoin-cli'
readonly MARK=.p2poolv2-bitcoind
# What the package asks for on a whole system but its programs never load. Told that these are installed, apt leaves them
# and what they need alone, which halves the download; should one be needed after all, a second round fetches it.
readonly SPARED='adduser debconf libssl3t64 systemd'

usage() {
  cat <<END
usage: scripts/get-bitcoind.sh [directory]

Puts bin/bitcoind and bin/bitcoin-cli into the directory; the default is
\${XDG_CACHE_HOME:-~/.cache}/p2poolv2/bitcoind. The last line printed is the path of bitcoind.
Once there, nothing is downloaded again; remove the directory to get a newer one.

P2POOLV2_DEBIAN_MIRROR=<url>  use this mirror, for instance http://deb.debian.org/debian

exit status: $READY ready, $FAILED failed, $USAGE wrong usage, $IMPOSSIBLE not possible on this system
END
}

say() { printf 'get-bitcoind: %s\n' "$*" >&2; }

stop() {
  local status=$1
  shift
  say "$@"
  exit "$status"
}

# Prints the path and ends the script if a working bitcoind is in place.
finish_if_ready() {
  [[ -s $target/versions.txt ]] && "$target/bin/bitcoind" -version >/dev/null 2>&1 || return 0
  printf '%s\n' "$target/bin/bitcoind"
  exit "$READY"
}

require_debian_tools() {
  local tool
  [[ $(uname -s) == Linux ]] || stop "$IMPOSSIBLE" 'this works on Linux only'
  for tool in apt-get apt-cache dpkg dpkg-deb flock; do
    command -v "$tool" >/dev/null || stop "$IMPOSSIBLE" "this system has no $tool; it takes Debian or a relative of it"
  done
  architecture=$(dpkg --print-architecture)
  case $architecture in
    amd64) loader_name=ld-linux-x86-64.so.2 ;;
    arm64) loader_name=ld-linux-aarch64.so.1 ;;
    *) stop "$IMPOSSIBLE" "no bitcoind is known to run on $architecture this way" ;;
  esac
  for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp} ''; do
    [[ -r $keyring ]] && break
  done
  [[ -n $keyring ]] || stop "$IMPOSSIBLE" 'the keys that sign Debian are missing (package debian-archive-keyring)'
}

# The mirrors this system's own apt knows, one a line: apt itself reads its sources, in whatever format they are.
list_mirrors() {
  if [[ -n ${P2POOLV2_DEBIAN_MIRROR:-} ]]; then
    printf '%s\n' "${P2POOLV2_DEBIAN_MIRROR%/}"
    return
  fi
  # Security, updates and backports hold no sid, and neither does another vendor's archive.
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 ~ /\/debian\/?$/ && $2 !~ /[-\/]/ { sub(/\/$/, "", $1); if (!seen[$1]++) print $1 }'
}

# apt with the settings of this machine (proxy, credentials) but with lists, cache and status of its own.
private_apt() {
  local command=$1
  shift
  "$command" -q \
    -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o APT::Architecture="$architecture" \
    -o Acquire::Languages=none -o Acquire::PDiffs=false -o Acquire::Retries=1 \
    -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
    "$@" >>"$work/apt.log" 2>&1
}

# Reads sid's index from the first mirror that has it.
fetch_index() {
  local mirror mirrors
  mirrors=$(list_mirrors)
  [[ -n $mirrors ]] || stop "$IMPOSSIBLE" 'apt knows no Debian mirror here; name one in P2POOLV2_DEBIAN_MIRROR'
  mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial
  : >"$work/status"
  while read -r mirror; do
    say "reading Debian sid's index from $mirror"
    printf 'deb [signed-by=%s arch=%s] %s sid main\n' "$keyring" "$architecture" "$mirror" >"$work/sources.list"
    private_apt apt-get update --error-on=any && return
    say 'that did not work:'
    grep -E '^(E|W|Err):' "$work/apt.log" | tail -n 3 >&2 || true
  done <<<"$mirrors"
  grep -q 'is expired' "$work/apt.log" &&
    say "a mirror frozen in time needs 'Acquire::Check-Valid-Until \"false\";' in apt's configuration"
  stop "$FAILED" 'no mirror gave an index'
}

# Downloads the package and what it depends on, save what the arguments name, and unpacks it all into $work/root.
fetch_packages() {
  local archive spared
  : >"$work/status"
  for spared in "$@"; do
    printf 'Package: %s\nStatus: install ok installed\nVersion: 9999\nArchitecture: %s\n' "$spared" "$architecture"
    printf 'Multi-Arch: foreign\nMaintainer: nobody\nDescription: not needed\n\n'
  done >"$work/status"
  say "downloading $PACKAGE and its libraries"
  private_apt apt-get install --yes --download-only "$PACKAGE" || {
    tail -n 5 "$work/apt.log" >&2
    stop "$FAILED" "apt could not download $PACKAGE"
  }
  for archive in "$work"/cache/archives/*.deb; do
    dpkg-deb --extract "$archive" "$work/root"
  done
}

# Copies the programs, the loader and exactly the libraries the loader asks for into $work/new. Fails if one is missing:
# a library of the host's would not fit to the C library here.
collect() {
  local program path libraries root=$work/root new=$work/new
  local loader=$root/usr/lib/$loader_name
  [[ -e $loader ]] || loader=$(find "$root" -name "$loader_name" | head -n 1)
  libraries=$(find "$root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
  rm -rf "$new"
  mkdir -p "$new"/bin "$new"/lib "$new"/libexec
  cp -L "$loader" "$new/lib/$loader_name"
  for program in $PROGRAMS; do
    cp "$root/usr/bin/$program" "$new/libexec/"
    "$loader" --inhibit-cache --library-path "$libraries" --list "$root/usr/bin/$program" >"$work/list" || return 1
    while read -r path; do
      [[ $path == "$root"/* ]] || return 1
      cp -L "$path" "$new/lib/"
    done < <(awk '$2 == "=>" { sub(/^.* => /, ""); sub(/ \(0x[0-9a-f]+\)$/, ""); print }' "$work/list")
    write_wrapper "$program" >"$new/bin/$program"
    chmod 755 "$new/bin/$program"
  done
}

# `exec`, so that the process id and the signals are the program's; paths are found anew, so that the folder may move.
write_wrapper() {
  cat <<END
#!/bin/sh
home=\$(dirname -- "\$(dirname -- "\$(readlink -f -- "\$0")")")
exec "\$home/lib/$loader_name" --argv0 $1 --inhibit-cache --library-path "\$home/lib" "\$home/libexec/$1" "\$@"
END
}

main() {
  [[ $# -le 1 ]] || { usage >&2; exit "$USAGE"; }
  case ${1:-} in
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit "$USAGE" ;;
  esac
  target=${1:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/p2poolv2/bitcoind}
  [[ $target == /* ]] || target=$PWD/$target
  # apt and the loader read lists of paths that end at these.
  [[ $target != *[:\;\"\\]* && $target != *$'\n'* ]] || stop "$USAGE" "the path may not hold : ; \" or \\"

  finish_if_ready
  require_debian_tools
  mkdir -p "$target"
  if [[ ! -e $target/$MARK ]]; then
    [[ -z $(ls -A "$target") ]] || stop "$USAGE" "$target is not empty; name a folder of its own"
    : >"$target/$MARK"
  fi
  exec 9>>"$target/$MARK"
  flock --nonblock 9 || { say 'waiting for another run'; flock 9; }
  finish_if_ready

  work=$target/work
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # A run that was killed may have left one.
  rm -rf "$work"
  mkdir "$work"
  fetch_index
  # Word splitting is meant: each word is a package.
  # shellcheck disable=SC2086
  fetch_packages $SPARED
  if ! collect; then
    say 'a library is missing; fetching everything'
    fetch_packages
    collect || stop "$FAILED" "the libraries of sid do not satisfy $PACKAGE"
  fi

  # versions.txt comes last: without it nothing here counts as ready.
  rm -rf "$target"/{bin,lib,libexec,versions.txt}
  mv "$work"/new/{bin,lib,libexec} "$target/"
  "$target/bin/bitcoind" -version >"$work/version" || stop "$FAILED" 'bitcoind does not start'
  (cd "$work/cache/archives" && sha256sum -- *.deb) >"$work/versions.txt"
  mv "$work/versions.txt" "$target/versions.txt"
  say "ready: $(head -n 1 "$work/version")"
  printf '%s\n' "$target/bin/bitcoind"
}

main "$@"
