// A real IPFS node on loopback with Kubo's RPC (/api/v0): js-ipfs, offline, with a repository of its own.
// usage: node ipfs-node.mjs REPOSITORY   beside the node_modules of ipfs.sh; prints "ready PORT"
import { create } from 'ipfs-core'
import { HttpApi } from 'ipfs-http-server'

const config = {
  Bootstrap: [],
  Addresses: { Swarm: [], API: '/ip4/127.0.0.1/tcp/0', RPC: '', Gateway: '' },
  Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } }
}
const ipfs = await create({ repo: process.argv[2], offline: true, silent: true, preload: { enabled: false }, config })
const api = new HttpApi(ipfs)
await api.start()
console.log('ready', api._apiServers[0].info.port)
