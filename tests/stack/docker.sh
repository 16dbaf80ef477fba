#!/bin/bash
# The real things that the tests run against: a Docker engine, a registry at 127.0.0.1:5000 with the images
# of images.py in it, emulation of arm64 and arm/v7, and the programs that check man pages and completions.
#
# usage: docker.sh up | down
#
# For Debian 12 as root. `up` installs what is missing, uses an engine or a registry that already runs and
# starts its own otherwise; it may be repeated. `down` stops what `up` started. State: ${BACTOOLS_STACK:-/tmp/bactools-stack}.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${BACTOOLS_STACK:-/tmp/bactools-stack}
registry=127.0.0.1:5000
binfmt=/proc/sys/fs/binfmt_misc
architectures=(amd64 arm64 armhf) # Debian's names
programs=(dockerd=docker.io docker-registry skopeo qemu-aarch64-static=qemu-user-static iptables curl
  jq mandoc groff zsh fish shellcheck zstd clang ld.lld=lld) # each with its package, where that has another name
packages=(ca-certificates bash-completion python3-venv wasi-libc libclang-rt-dev-wasm32)

fail() {
  echo "docker.sh: $*" >&2
  exit 1
}

# eventually SECONDS COMMAND…: whether the command succeeds within that time
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# start NAME COMMAND…: a service that outlives this script; its log and process id are kept in the state folder
start() {
  local name=$1
  shift
  setsid "$@" >"$state/$name.log" 2>&1 </dev/null &
  echo $! >"$state/$name.pid"
}

stop() {
  local name=$1 pid
  pid=$(cat "$state/$name.pid" 2>/dev/null) || return 0
  # after a reboot the number may belong to another process
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ]; then
    kill "$pid"
    eventually 30 gone "$pid" || fail "$name (process $pid) does not stop"
  fi
  rm -f "$state/$name.pid"
}

gone() {
  ! kill -0 "$1" 2>/dev/null
}

missing_packages() {
  local name
  for name in "${programs[@]}"; do
    command -v "${name%=*}" >/dev/null || echo "${name#*=}"
  done
  for name in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

install_packages() {
  local policy=/usr/sbin/policy-rc.d wanted
  mapfile -t wanted < <(missing_packages)
  [ "${#wanted[@]}" -gt 0 ] || return 0
  apt-get update -qq || true # ends non-zero while a mirror is being synchronised; the index it has still serves
  # the packages' own services stay off: the registry's would take port 5000 with a password nobody has
  if [ ! -e "$policy" ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >"$state/apt.log" 2>&1 ||
    fail "cannot install packages: $(tail -n 3 "$state/apt.log")"
}

start_engine() {
  docker info >/dev/null 2>&1 && return
  start dockerd dockerd --data-root "$state/docker"
  eventually 60 docker info || fail "the Docker engine does not start: $(tail -n 3 "$state/dockerd.log")"
}

start_registry() {
  curl -sf -o /dev/null "http://$registry/v2/" && return
  cat >"$state/registry.yml" <<YAML
version: 0.1
storage:
  filesystem: {rootdirectory: $state/registry}
  delete: {enabled: true}
http: {addr: "$registry"}
YAML
  start docker-registry docker-registry serve "$state/registry.yml"
  eventually 30 curl -sf -o /dev/null "http://$registry/v2/" ||
    fail "the registry does not start: $(tail -n 3 "$state/docker-registry.log")"
}

register_emulators() {
  local machine
  mountpoint -q "$binfmt" || mount -t binfmt_misc binfmt_misc "$binfmt"
  for machine in aarch64 arm; do
    [ -e "$binfmt/qemu-$machine" ] || cat "/usr/lib/binfmt.d/qemu-$machine.conf" >"$binfmt/register"
    # without F the kernel looks for the emulator inside the container, where it is not
    grep -q '^flags:.*F' "$binfmt/qemu-$machine" || fail "$binfmt/qemu-$machine is registered without the flag F"
  done
}

# A package index of its own, so that the host's dpkg learns no foreign architecture.
foreign_apt() {
  local apt=$state/apt
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  apt-get -qq -o APT::Sandbox::User=root "${architectures[@]/#/-oAPT::Architectures::=}" \
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o Dir::State::status=/dev/null "$@"
}

fetch_busybox() {
  local architecture
  [ -x "$state/busybox-${architectures[-1]}" ] && return
  foreign_apt update || true # as above
  for architecture in "${architectures[@]}"; do
    rm -rf "$state/download"
    mkdir "$state/download"
    (cd "$state/download" && foreign_apt download "busybox-static:$architecture")
    dpkg-deb -x "$state/download"/*.deb "$state/download/root"
    mv "$state/download/root/bin/busybox" "$state/busybox-$architecture"
  done
}

push_images() {
  local tag name format
  rm -rf "$state/oci"
  python3 "$here/images.py" "$state/oci" "linux/amd64=$state/busybox-amd64" \
    "linux/arm64/v8=$state/busybox-arm64" "linux/arm/v7=$state/busybox-armhf"
  for tag in multi list arm64 amd64 latest; do
    name=$tag
    format=()
    if [ "$tag" = latest ]; then name=multi; fi
    if [ "$tag" = list ]; then format=(--format v2s2); fi
    skopeo copy -q --all "${format[@]}" --dest-tls-verify=false "oci:$state/oci:$name" "docker://$registry/busybox:$tag"
  done
  # not with skopeo, which neither copies an index within an index nor every artifact
  for tag in nested windows mislabelled zstd; do
    python3 "$here/push.py" "$state/oci" "$tag" "$registry" "busybox:$tag"
  done
  for tag in artifact compat runwasi legacy; do
    python3 "$here/push.py" "$state/oci" "$tag" "$registry" "hello:$tag"
  done
}

case ${1:-} in
up)
  [ "$(id -u)" = 0 ] || fail "must run as root"
  mkdir -p "$state"
  install_packages
  start_engine
  register_emulators
  start_registry
  fetch_busybox
  push_images
  echo "docker $(docker version -f '{{.Server.Version}}'), registry $registry with busybox:multi, emulation of arm64 and arm/v7"
  ;;
down)
  stop docker-registry
  stop dockerd
  ;;
*)
  echo "usage: docker.sh up | down" >&2
  exit 2
  ;;
esac
