import { at, type PlannedSocket, type Site } from './sockets.js'

/** Sockets over loopback: each send method to each receive method, in one process. */
export function loopbackSockets(site: Site): (Site & PlannedSocket)[] {
  const source = site.family === 'ipv4' ? '127.0.0.9' : '::1'
  return at(site, [...everyWay(source), ...pairs(), ...shortDatagrams(), ...floods(), ...vanishing()])
}

/** Some of them, for a process in which GSO is switched off. */
export function withoutGsoSockets(site: Site): (Site & PlannedSocket)[] {
  return at(site, [
    { name: 'no-gso coalesce', receive: 'batches', gro: true, send: { to: ['no-gso segments'], kind: 'coalesce' } },
    { name: 'no-gso segments', receive: 'readable', send: { to: ['no-gso coalesce'], kind: 'segments' } },
    { name: 'no-gso drop-in', api: 'drop-in', send: { to: ['no-gso coalesce', 'no-gso segments'] } },
  ])
}

function everyWay(source: string): PlannedSocket[] {
  const options = { ttl: 9, ecn: 1, source }
  return [
    { name: 'callback', send: { to: ['iterator', 'waiting', 'drop-in', 'worker'], options } },
    {
      name: 'iterator',
      receive: 'batches',
      gro: true,
      send: { to: ['callback', 'drop-in'], kind: 'coalesce', perSecond: 400 },
    },
    {
      name: 'waiting',
      receive: 'readable',
      send: { to: ['callback', 'plain drop-in'], kind: 'segments', perSecond: 400 },
    },
    { name: 'drop-in', api: 'drop-in', gro: true, send: { to: ['callback', 'waiting'], options: { ttl: 5, ecn: 2 } } },
    { name: 'plain drop-in', api: 'drop-in', gso: false, send: { to: ['iterator', 'drop-in'] } },
    { name: 'worker', api: 'worker', gro: true, send: { to: ['callback', 'iterator'], kind: 'coalesce' } },
    { name: 'detaching', send: { to: ['waiting'], detaches: true, mayFail: ['ERR_MEMORY_DETACHED'] } },
    { name: 'aborting', send: { to: ['waiting'], aborts: true, detaches: true, mayFail: ['ERR_MEMORY_DETACHED'] } },
  ]
}

/** Connected sockets, with datagrams of all sizes. */
function pairs(): PlannedSocket[] {
  const toward = (name: string) => ({ to: [name], connected: true, sizes: 'any', perSecond: 60 }) as const
  return [
    { name: 'pair iterator', receive: 'batches', gro: true, send: toward('pair worker') },
    { name: 'pair worker', api: 'worker', send: toward('pair iterator') },
    { name: 'pair callback', send: toward('pair waiting') },
    { name: 'pair waiting', receive: 'readable', send: toward('pair callback') },
    { name: 'pair drop-in', api: 'drop-in', gro: true, gso: false, send: toward('pair plain drop-in') },
    { name: 'pair plain drop-in', api: 'drop-in', gso: false, send: toward('pair drop-in') },
  ]
}

/**
 * Lengths from 0 to 11. A socket that receives them has no other flow, because they are too short for a flow number.
 */
function shortDatagrams(): PlannedSocket[] {
  return [
    { name: 'short callback', send: { to: ['short drop-in'], sizes: 'short' } },
    { name: 'short drop-in', api: 'drop-in', gro: true, send: { to: ['short callback'], sizes: 'short' } },
  ]
}

/**
 * More datagrams than the receive buffers hold. Each receiver has one flow, so that the socket's drop count is the
 * flow's, and no GRO, because the kernel counts a dropped GRO buffer once, however many datagrams it contains.
 */
function floods(): PlannedSocket[] {
  const receiveBufferBytes = 20_000
  const loss = 'receive buffer'
  return [
    { name: 'flooded callback', receiveBufferBytes },
    { name: 'flooding batch', send: { to: ['flooded callback'], perSecond: 800, loss } },
    { name: 'flooded drop-in', api: 'drop-in', receiveBufferBytes },
    { name: 'flooding segments', send: { to: ['flooded drop-in'], kind: 'segments', perSecond: 800, loss } },
  ]
}

/** A socket that is closed temporarily, and one that continues to send to it and collects the ICMP errors. */
function vanishing(): PlannedSocket[] {
  return [
    { name: 'vanishing', receive: 'batches' },
    { name: 'knocking', recvErrors: true, send: { to: ['vanishing'] } },
  ]
}
