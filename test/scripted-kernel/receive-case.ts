import { constants } from 'node:os'
import fc from 'fast-check'
import * as c from '../../src/libc/constants.js'
import type { Arrival, IncomingControl } from './incoming.js'
import type { Incoming, ReceiveScript } from './receive-kernel.js'
import { type ErrorEntry, errorEntry, rarely } from './send-case.js'

/** One step of the caller. */
export type ReceiveStep =
  | { readonly do: 'recv'; readonly socket: number }
  /** Calls `errors`, if the socket has recvErrors. */
  | { readonly do: 'errors'; readonly socket: number }

/** A batch, two sockets, the steps of the caller, and the received datagrams. */
export interface ReceiveCase {
  readonly batch: { readonly capacity: number; readonly slotBytes: number }
  /** `recvErrors` of each socket. */
  readonly recvErrors: readonly boolean[]
  readonly countDrops: boolean
  readonly recvmmsg: ReceiveScript['recvmmsg']
  readonly steps: readonly ReceiveStep[]
  readonly incoming: readonly Incoming[]
  readonly errorQueue: readonly (ErrorEntry | Arrival)[]
}

const { EHOSTUNREACH } = constants.errno

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })

const int32 = (value: number) => {
  const data = Buffer.alloc(4)
  data.writeInt32LE(value | 0)
  return data
}

const int = fc.oneof({ weight: 4, arbitrary: fc.nat(64) }, { weight: 1, arbitrary: fc.integer() }).map(int32)

/** A control message of a kind that the library reads, with data of the right size. */
const validControl: fc.Arbitrary<IncomingControl> = fc
  .tuple(
    fc.constantFrom(
      [c.IPPROTO_UDP, c.UDP_GRO, 4],
      [c.IPPROTO_UDP, c.UDP_GRO, 4],
      [c.IPPROTO_IP, c.IP_TOS, 1],
      [c.IPPROTO_IP, c.IP_TTL, 4],
      [c.IPPROTO_IP, c.IP_PKTINFO, 12],
      [c.IPPROTO_IPV6, c.IPV6_TCLASS, 4],
      [c.IPPROTO_IPV6, c.IPV6_HOPLIMIT, 4],
      [c.IPPROTO_IPV6, c.IPV6_PKTINFO, 20],
      [c.SOL_SOCKET, c.SO_TIMESTAMPNS, 16],
      [c.SOL_SOCKET, c.SO_RXQ_OVFL, 4],
    ),
    int,
  )
  .map(([[level, type, size], seed]) => ({ level, type, data: new Uint8Array(size).map((_, at) => seed[at % 4]) }))

const nonsenseControl: fc.Arbitrary<IncomingControl> = fc.record({
  level: fc.constantFrom(c.IPPROTO_UDP, c.IPPROTO_IP, c.IPPROTO_IPV6, c.SOL_SOCKET, -1),
  type: fc.oneof(fc.constantFrom(c.UDP_GRO, c.IP_TOS, c.IP_PKTINFO, c.SO_TIMESTAMPNS, c.IPV6_PKTINFO), fc.integer()),
  data: bytes(40),
  length: fc.option(
    fc.constantFrom(0, 15, 16, 17, 20, 24, 255, 256, 256, 256, 257, 2 ** 32, 2 ** 32 + 20, 2 ** 53 - 1),
    {
      nil: undefined,
    },
  ),
})

const control = fc.array(fc.oneof({ weight: 4, arbitrary: validControl }, { weight: 1, arbitrary: nonsenseControl }), {
  maxLength: 4,
})

/** A sockaddr: IPv4, IPv6, or any bytes. */
const name: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(3).map((last) => Uint8Array.of(2, 0, 0, 9, 127, 0, 0, last, 0, 0, 0, 0, 0, 0, 0, 0)) },
  {
    weight: 2,
    arbitrary: fc.nat(3).map((last) => {
      const sockaddr = new Uint8Array(28)
      sockaddr.set([10, 0, 0, 9])
      sockaddr[23] = last
      return sockaddr
    }),
  },
  { weight: 1, arbitrary: bytes(28) },
)

const FLAGS = [c.MSG_TRUNC, c.MSG_CTRUNC, c.MSG_TRUNC | c.MSG_CTRUNC, c.MSG_ERRQUEUE, 0xffffffff]

const wrong = <T>(values: readonly T[]) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) })

const arrival: fc.Arbitrary<Arrival> = fc.record({
  payload: fc.tuple(fc.nat(255), fc.oneof(fc.nat(20), fc.nat(300))).map(([seed, size]) => payloadOf(seed, size)),
  length: wrong([0, 1, 16, 17, 100, 65_536, 2 ** 31, 2 ** 32 - 1]),
  flags: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(...FLAGS) }),
  name,
  nameLength: wrong([0, 1, 2, 8, 15, 16, 27, 28, 29, 128, 2 ** 31, 2 ** 32 - 1]),
  control: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: control }),
  controlLength: wrong([0, 1, 15, 16, 17, 255, 256, 257, 4096, 2 ** 31, 2 ** 32 - 1]),
})

const incoming: fc.Arbitrary<Incoming> = fc.oneof(
  { weight: 8, arbitrary: arrival },
  { weight: 2, arbitrary: fc.constantFrom(c.EAGAIN, c.EINTR, 0) },
  { weight: 1, arbitrary: fc.constantFrom(c.ECONNREFUSED, EHOSTUNREACH, c.EMSGSIZE, c.EINVAL) },
)

const step: fc.Arbitrary<ReceiveStep> = fc.record({
  do: fc.constantFrom('recv', 'recv', 'recv', 'errors'),
  socket: rarely(6).map((isRare) => (isRare ? 1 : 0)),
})

/** Cases of receiving. */
export const receiveCase: fc.Arbitrary<ReceiveCase> = fc.record({
  batch: fc.record({
    capacity: fc.oneof(
      { weight: 300, arbitrary: fc.integer({ min: 1, max: 6 }) },
      { weight: 60, arbitrary: fc.integer({ min: 1, max: 40 }) },
      { weight: 1, arbitrary: fc.constant(1024) },
    ),
    slotBytes: fc.constantFrom(16, 1, 64, 300),
  }),
  recvErrors: fc.tuple(rarely(3), rarely(3)),
  countDrops: rarely(4),
  recvmmsg: fc.constantFrom<ReceiveScript['recvmmsg'][]>(0, 0, 0, 0, 0, 0, c.ENOSYS, c.EPERM),
  steps: fc.array(step, { minLength: 1, maxLength: 8 }),
  incoming: fc.array(incoming, { maxLength: 16 }),
  errorQueue: fc.array(fc.oneof({ weight: 3, arbitrary: errorEntry }, { weight: 1, arbitrary: arrival }), {
    maxLength: 5,
  }),
})

function payloadOf(seed: number, byteLength: number): Uint8Array {
  return new Uint8Array(byteLength).map((_, at) => seed + at)
}
