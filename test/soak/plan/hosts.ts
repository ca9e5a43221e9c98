import type { Family } from '../../../src/index.js'
import { HOST_A, HOST_B } from '../../support/two-hosts.js'
import { at, type PlannedSocket, type Site } from './sockets.js'

/** Addresses on the second link between the hosts. Faults of the device affect only this link. */
export const ROUGH_LINK = { A: '10.84.0.1', B: '10.84.0.2' } as const

/** Sockets in two network namespaces. Each name begins with its host. */
export function hostSockets(family: Family): (Site & PlannedSocket)[] {
  return [
    ...at({ process: 'host A', network: 'A', family, address: HOST_A[family] }, SOCKETS_IN_A),
    ...at({ process: 'host B', network: 'B', family, address: HOST_B[family] }, SOCKETS_IN_B),
  ]
}

/**
 * Sockets on the link whose device queue overflows and which is taken down. With `recvErrors`, a full queue is
 * reported, and no message is lost. Without, the datagram is dropped, and the queue counts it; with GSO it would count
 * many as one.
 */
export function roughLinkSockets(): (Site & PlannedSocket)[] {
  const queued = { recvErrors: true, send: { aborts: true, perSecond: 400, mayFail: ['ENETUNREACH'] } }
  const overrun = { gso: false, loss: 'device queue', perSecond: 400 } as const
  return [
    ...at({ process: 'host A', network: 'A', family: 'ipv4', address: ROUGH_LINK.A }, [
      { ...queued, name: 'A queued', send: { ...queued.send, to: ['B rough callback'] } },
      { ...queued, name: 'A queued coalesce', send: { ...queued.send, to: ['B rough iterator'], kind: 'coalesce' } },
      { name: 'A rough callback' },
      { name: 'A rough drop-in', api: 'drop-in' },
    ]),
    ...at({ process: 'host B', network: 'B', family: 'ipv4', address: ROUGH_LINK.B }, [
      { name: 'B rough callback' },
      { name: 'B rough iterator', receive: 'batches', gro: true },
      { name: 'B overrun', gso: false, send: { ...overrun, to: ['A rough callback'] } },
      { name: 'B overrun drop-in', api: 'drop-in', gso: false, send: { ...overrun, to: ['A rough drop-in'] } },
    ]),
  ]
}

const SOCKETS_IN_A: readonly PlannedSocket[] = [
  { name: 'A callback', send: { to: ['B iterator', 'B drop-in'], sizes: 'any' } },
  {
    name: 'A drop-in',
    api: 'drop-in',
    gro: true,
    send: { to: ['B callback', 'B drop-in'], options: { ttl: 5, ecn: 2 } },
  },
  {
    name: 'A segments',
    receive: 'readable',
    send: { to: ['B worker'], kind: 'segments', perSecond: 400, connected: true },
  },
  { name: 'A knocking', recvErrors: true, send: { to: ['B vanishing'] } },
  // Without GSO, since the filter counts a GSO send as one packet.
  { name: 'A filtered', gso: false, send: { to: ['B filtering'], loss: 'nft' } },
  { name: 'A flooding', send: { to: ['B flooded'], loss: 'receive buffer', kind: 'coalesce', perSecond: 800 } },
  { name: 'A refused', send: { to: ['B accepting'], kind: 'coalesce', mayFail: ['EPERM'] } },
  { name: 'A opposite' },
]

const SOCKETS_IN_B: readonly PlannedSocket[] = [
  { name: 'B callback', send: { to: ['A callback'], sizes: 'any' } },
  {
    name: 'B iterator',
    receive: 'batches',
    gro: true,
    send: { to: ['A callback', 'A drop-in'], kind: 'coalesce', perSecond: 400 },
  },
  { name: 'B drop-in', api: 'drop-in', send: { to: ['A callback', 'A drop-in'] } },
  { name: 'B worker', api: 'worker', gro: true, send: { to: ['A segments'], kind: 'coalesce', connected: true } },
  { name: 'B vanishing', receive: 'batches' },
  { name: 'B filtering' },
  { name: 'B flooded', receiveBufferBytes: 20_000 },
  { name: 'B accepting' },
  { name: 'B filtered drop-in', api: 'drop-in', gso: false, send: { to: ['A opposite'], loss: 'nft' } },
]
