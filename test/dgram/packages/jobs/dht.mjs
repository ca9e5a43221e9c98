// Six nodes of a DHT: they find each other through one, announce a torrent, look it up, and store and fetch values.
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import DHT from 'bittorrent-dht'
import helpers from './report.cjs'

const { next, report } = helpers
const TORRENT = createHash('sha1').update('a torrent').digest()

const [first, ...others] = await network(6)
report(
  'nodes know others',
  [first, ...others].every((node) => node.nodes.count() >= 1),
)

const announcer = others[0]
await new Promise((resolve, reject) =>
  announcer.announce(TORRENT, 6881, (error) => (error ? reject(error) : resolve())),
)
const seeker = others.at(-1)
const found = next(seeker, 'peer')
seeker.lookup(TORRENT)
const [peer, infoHash] = await found
report('peer', { port: peer.port, host: peer.host, torrent: Buffer.from(infoHash).equals(TORRENT) })

const value = Buffer.from('something to keep')
const hash = await new Promise((resolve, reject) =>
  others[1].put({ v: value }, (error, hash) => (error ? reject(error) : resolve(hash))),
)
const kept = await new Promise((resolve, reject) =>
  others[3].get(hash, (error, kept) => (error ? reject(error) : resolve(kept))),
)
report('value', String(Buffer.from(kept.v)))

for (const node of [first, ...others]) await new Promise((resolve) => node.destroy(resolve))
report('closed', true)

async function network(count) {
  const nodes = []
  for (let index = 0; index < count; index += 1) {
    const bootstrap = nodes.length === 0 ? false : [`127.0.0.1:${nodes[0].address().port}`]
    const node = new DHT({ bootstrap, host: '127.0.0.1', timeBucketOutdated: 600_000 })
    node.on('warning', ({ message }) => report('warning', message))
    node.listen(0, '127.0.0.1')
    await next(node, 'listening')
    if (bootstrap) await next(node, 'ready')
    nodes.push(node)
  }
  await wait(100)
  return nodes
}
