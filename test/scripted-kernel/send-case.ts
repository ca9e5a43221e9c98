import { constants } from 'node:os'
import fc from 'fast-check'
import * as c from '../../src/libc/constants.js'
import { NOTHING, type PathLimit, type SendEvent, type World } from './send-script.js'

/** Method that puts a message into the batch. */
export type Way = 'copy' | 'text' | 'pieces' | 'view' | 'reserve' | 'reference' | 'shared'

/** One message to be appended. */
export interface MessageSpec {
  readonly way: Way
  /** Payload length, limited to the slot size. */
  readonly size: number
  /** True for a reference with nearly the maximum length of a datagram. */
  readonly isHuge: boolean
  /** Index of the destination; 3 for the connected peer, 4 for one of another family. */
  readonly destination: number
  /** Index of the set of options. */
  readonly options: number
  /** Determines the segment size; 0 for no explicit GSO. */
  readonly segment: number
}

/** One step of the caller. */
export type Step =
  | { readonly do: 'append'; readonly messages: readonly MessageSpec[] }
  | { readonly do: 'fill'; readonly count: number; readonly message: MessageSpec }
  | { readonly do: 'send'; readonly socket: number }
  | { readonly do: 'skip' | 'rewind' | 'clear' }
  /** Transfers the memory of a reference. */
  | { readonly do: 'detach'; readonly message: number }

export interface SocketSpec {
  readonly gso: boolean
  readonly recvErrors: boolean
  readonly connected: boolean
}

export interface BatchSpec {
  readonly capacity: number
  readonly slotBytes: number
  readonly coalesce: boolean
  readonly maxSegments: number
}

/** An entry of the error queue, or an errno for the read that reaches it. */
export type ErrorEntry = { readonly origin: number; readonly errno: number } | number

/** A batch, the sockets it is sent on, the steps of the caller and the answers of the kernel. */
export interface SendCase {
  readonly family: 'ipv4' | 'ipv6'
  readonly batch: BatchSpec
  readonly sockets: readonly SocketSpec[]
  readonly steps: readonly Step[]
  /** True if the messages left after the steps are sent on both sockets alternately, instead of on the first only. */
  readonly alternates: boolean
  readonly world: World
  readonly events: readonly SendEvent[]
  readonly errorQueue: readonly ErrorEntry[]
}

const { EHOSTUNREACH, ENETUNREACH } = constants.errno

const size = fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, { weight: 2, arbitrary: fc.nat(1472) })

// Few distinct values, so that neighbours can be coalesced into GSO sends.
const message: fc.Arbitrary<MessageSpec> = fc.record({
  way: fc.constantFrom<Way>('copy', 'text', 'pieces', 'view', 'reserve', 'reference', 'shared'),
  size: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(4, 4, 4, 3, 0) }, { weight: 3, arbitrary: size }),
  isHuge: rarely(100),
  destination: fc.oneof(
    { weight: 60, arbitrary: fc.nat(1) },
    { weight: 20, arbitrary: fc.nat(3) },
    { weight: 1, arbitrary: fc.constant(4) },
  ),
  options: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(7) }),
  segment: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(6) }),
})

const messages = fc.array(message, { minLength: 1, maxLength: 10 })

const run = fc.tuple(fc.nat(9), message).map(([count, one]) => new Array<MessageSpec>(count + 1).fill(one))

const socket = rarely(8).map((isRare) => (isRare ? 1 : 0))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), socket }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), messages }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), messages: run }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('skip' as const, 'rewind' as const, 'clear' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach' as const), message: fc.nat(12) }) },
)

const bigStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('send' as const), socket }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), count: fc.nat(1300), message }) },
)

/** Possible answers to a message. */
const TRANSIENT = [
  c.EAGAIN,
  c.ENOBUFS,
  c.EINTR,
  c.EPERM,
  c.ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  c.EMSGSIZE,
  c.EINVAL,
  c.EIO,
  NOTHING,
]

const times = fc.oneof(
  { weight: 6, arbitrary: fc.constant(1) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 14, max: 18 }) },
)

const event: fc.Arbitrary<SendEvent> = fc.record({
  accept: fc.oneof({ weight: 12, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(1100) }),
  answer: fc.constantFrom(...TRANSIENT),
  gsoOnly: fc.constant(false),
  times,
})

const gsoEvent: fc.Arbitrary<SendEvent> = fc.record({
  accept: fc.nat(4),
  answer: fc.constantFrom(c.EIO, c.EINVAL, c.EMSGSIZE),
  gsoOnly: fc.constant(true),
  times,
})

const path: fc.Arbitrary<PathLimit | undefined> = fc.option(
  fc.record({
    bytes: fc.nat(8),
    answer: fc.constantFrom(c.EMSGSIZE, c.EMSGSIZE, c.EINVAL),
    singles: rarely(3),
  }),
  { nil: undefined, freq: 1 },
)

const world: fc.Arbitrary<World> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<World>({ sendmmsg: 0, device: [], paths: [], unreachable: [] }) },
  {
    weight: 2,
    arbitrary: fc.record({
      sendmmsg: fc.constantFrom<World['sendmmsg'][]>(0, 0, c.ENOSYS, c.EPERM),
      device: fc.array(fc.constantFrom(0, 0, c.EIO, c.EINVAL), { maxLength: 2 }),
      paths: fc.array(path, { maxLength: 4 }),
      unreachable: fc.array(fc.constantFrom(0, 0, 0, ENETUNREACH, c.EPERM, c.EINVAL, c.ECONNREFUSED), {
        maxLength: 4,
      }),
    }),
  },
)

/** Entries of the error queue. */
export const errorEntry: fc.Arbitrary<ErrorEntry> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      origin: fc.nat(4),
      errno: fc.constantFrom(c.ECONNREFUSED, c.EMSGSIZE, EHOSTUNREACH, c.EINVAL, 0),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(c.EAGAIN, c.EINTR) },
)

const socketSpec: fc.Arbitrary<SocketSpec> = fc.record({
  gso: usually(6),
  recvErrors: rarely(5),
  connected: usually(4),
})

const common = {
  family: rarely(5).map((isRare): 'ipv4' | 'ipv6' => (isRare ? 'ipv6' : 'ipv4')),
  sockets: fc.tuple(socketSpec, socketSpec),
  alternates: rarely(4),
  world,
  events: fc.array(fc.oneof({ weight: 5, arbitrary: event }, { weight: 1, arbitrary: gsoEvent }), { maxLength: 8 }),
  errorQueue: fc.array(errorEntry, { maxLength: 4 }),
}

const batch = (capacity: fc.Arbitrary<number>): fc.Arbitrary<BatchSpec> =>
  fc.record({
    capacity,
    slotBytes: fc.constantFrom(4, 1, 16, 100, 1472),
    coalesce: usually(3),
    maxSegments: fc.constantFrom(64, 1, 2, 3, 8, 128),
  })

/** Small cases of at most `maxSteps` steps. */
export function sendCaseWith(maxSteps: number): fc.Arbitrary<SendCase> {
  return fc.record({
    ...common,
    batch: batch(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 40 }))),
    steps: fc.array(step, { minLength: 1, maxLength: maxSteps }),
  })
}

const bigCase: fc.Arbitrary<SendCase> = fc.record({
  ...common,
  batch: batch(fc.integer({ min: 900, max: 1300 })),
  steps: fc.array(bigStep, { minLength: 2, maxLength: 6 }),
})

/** Cases of sending: mostly small, so that many can be tried; one in 2,000 has up to 1,300 messages. */
export const sendCase: fc.Arbitrary<SendCase> = fc.oneof(
  { weight: 1999, arbitrary: sendCaseWith(12) },
  { weight: 1, arbitrary: bigCase },
)

/** True once in `n` cases; shrinks to false. */
export function rarely(n: number): fc.Arbitrary<boolean> {
  return fc.noBias(fc.nat(n - 1)).map((number) => number === n - 1)
}

function usually(n: number): fc.Arbitrary<boolean> {
  return rarely(n).map((isRare) => !isRare)
}
