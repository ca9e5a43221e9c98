import type { Test } from 'tap'
import { BatchConn, type Family, type OpenOptions, RecvBatch } from '../../../src/index.js'
import { HOST_B } from '../../support/two-hosts.js'
import { type FaultyNet, faultyNet } from './net.js'
import { type Arrival, arrivals, eventually } from './numbered.js'

/** Hosts of one test file, removed at its end. If they cannot be created, `skip` is the reason. */
export function openNet(t: Pick<Test, 'teardown'>, name: string): { net: FaultyNet; skip: string | false } {
  const made = faultyNet(name)
  if (typeof made === 'string') return { net: unavailable(made), skip: made }
  t.teardown(() => made.down())
  return { net: made, skip: false }
}

function unavailable(reason: string): FaultyNet {
  const fail = () => {
    throw new Error(reason)
  }
  return {
    within: fail,
    withinAsync: fail,
    run: fail,
    set: fail,
    lacks: () => false,
    name: fail,
    counter: fail,
    down: fail,
  }
}

/** A socket in host B that receives GRO buffers, so that the datagrams of a GSO send are recognizable. */
export function groReceiver(t: Test, net: FaultyNet, family: Family, address: string = HOST_B[family]): Receiver {
  const options: OpenOptions = { family, gro: true, countDrops: true, receiveBufferBytes: 16 << 20 }
  const conn = net.within('B', () => BatchConn.open(options).bind({ address, port: 0 }))
  t.teardown(() => conn.close())
  const inbox = new RecvBatch({ gro: true })
  const arrival: Arrival = { numbers: [], coalesced: 0 }
  const take = () => arrivals(conn, inbox, arrival)
  const takeAll = async (count: number) => {
    await eventually(() => take().numbers.length >= count)
    return take()
  }
  return { conn, take, takeAll }
}

/** A receiving socket. */
export interface Receiver {
  readonly conn: BatchConn
  /** Receives what is available, and returns all that was received so far. */
  take(): Arrival
  /** As `take`, after `count` datagrams in all were received, or after three seconds. */
  takeAll(count: number): Promise<Arrival>
}

/** A socket in host A. */
export function openSender(t: Test, net: FaultyNet, options: OpenOptions = {}): BatchConn {
  const conn = net.within('A', () => BatchConn.open(options))
  t.teardown(() => conn.close())
  return conn
}
