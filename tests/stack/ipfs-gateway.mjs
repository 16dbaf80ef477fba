// A real trustless IPFS gateway on loopback: helia, filled from CAR files, without peers.
// usage: node ipfs-gateway.mjs CAR...   beside the node_modules of ipfs.sh; prints "ready PORT"
// GET /ipfs/CID with Accept: application/vnd.ipld.raw | application/vnd.ipld.car | nothing (the file itself)
import { createReadStream } from 'node:fs'
import http from 'node:http'
import { Readable } from 'node:stream'
import { CarBlockIterator } from '@ipld/car'
import { createVerifiedFetch } from '@helia/verified-fetch'
import { MemoryBlockstore } from 'blockstore-core'
import { createHeliaLight } from 'helia'

const blockstore = new MemoryBlockstore()
for (const car of process.argv.slice(2)) {
  for await (const { cid, bytes } of await CarBlockIterator.fromIterable(createReadStream(car))) await blockstore.put(cid, bytes)
}
const helia = await createHeliaLight({ blockstore, blockBrokers: [], routers: [] }).start()
const fetch = await createVerifiedFetch(helia)
const server = http.createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://localhost')
    const { accept } = request.headers
    const headers = accept && accept !== '*/*' ? { accept } : {}
    const answer = await fetch('ipfs://' + pathname.replace(/^\/ipfs\//, ''), { headers, redirect: 'manual', session: false })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    answer.body ? Readable.fromWeb(answer.body).pipe(response) : response.end()
  } catch (error) {
    response.writeHead(500)
    response.end(String(error))
  }
})
server.listen(0, '127.0.0.1', () => console.log('ready', server.address().port))
