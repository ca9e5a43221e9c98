import {
  batchOf,
  RECEIVE_FUNCTIONS,
  type ReceiveFunction,
  SEND_FUNCTIONS,
  type SendFunction,
  type Subject,
} from '../plan/case.js'
import { copySizes, loopId, receiveId, sendId } from '../plan/ladder-cases.js'
import { contains, type Interval } from '../statistics/interval.js'
import { type BytePoint, payloadLine } from '../statistics/line.js'
import type { Lookup, Resampling } from '../statistics/resampling.js'
import type { ReceiveCall, SendCall } from '../work/work.js'

/** One part of what a message costs, in nanoseconds a message. */
export interface Rung {
  readonly name: RungName
  readonly label: string
  /** Which measured things it is the difference of. */
  readonly from: string
  readonly nanoseconds: Interval
  /** It cannot be told from nothing. */
  readonly includesZero: boolean
  /** Of the sum of all rungs. */
  readonly share: number
}

export type RungName =
  | 'loop'
  | 'marshalling'
  | 'bookkeeping'
  | 'crossing'
  | 'entry'
  | 'import'
  | 'route'
  | 'device'
  | 'dequeue'
  | 'payload'
  | 'copy'

/** All parts of what a message costs in one way of sending or receiving. */
export interface Ladder {
  readonly mode: SendFunction | ReceiveFunction
  readonly connected: boolean
  readonly batch: number
  readonly rungs: readonly Rung[]
  readonly sum: Interval
  /** The same measured directly, through the library's public face. */
  readonly whole: Interval
  readonly difference: Interval
  /** The sum lies within the interval of the whole. */
  readonly sumWithinWhole: boolean
  /** The difference between sum and whole cannot be told from nothing. */
  readonly addsUp: boolean
}

/** The ladders of sending and of receiving. */
export function ladders(resampling: Resampling, subject: Subject): Ladder[] {
  const sending = SEND_FUNCTIONS.flatMap((mode) =>
    [false, true].map((connected) => ladder(resampling, subject, mode, connected, sendSteps(subject, mode, connected))),
  )
  const receiving = RECEIVE_FUNCTIONS.map((mode) =>
    ladder(resampling, subject, mode, false, receiveSteps(subject, mode)),
  )
  return [...sending, ...receiving]
}

/** A rung before it is worked out: a value for one operation, from the medians of cases. */
interface Step {
  readonly name: RungName
  readonly label: string
  readonly from: string
  readonly of: (of: Lookup) => number
}

function ladder(
  resampling: Resampling,
  subject: Subject,
  mode: SendFunction | ReceiveFunction,
  connected: boolean,
  { steps, whole }: Steps,
): Ladder {
  const batch = batchOf(mode, subject.batch)
  const sum = (of: Lookup) => steps.reduce((total, step) => total + step.of(of), 0) / batch
  const direct = (of: Lookup) => of(whole) / batch
  const total = resampling.interval(sum)
  const wholeInterval = resampling.interval(direct)
  const difference = resampling.interval((of) => sum(of) - direct(of))
  const rungs = steps.map(({ name, label, from, of: value }): Rung => {
    const nanoseconds = resampling.interval((of) => value(of) / batch)
    const share = nanoseconds.estimate / total.estimate
    return { name, label, from, nanoseconds, includesZero: contains(nanoseconds, 0), share }
  })
  return {
    mode,
    connected,
    batch,
    rungs,
    sum: total,
    whole: wholeInterval,
    difference,
    sumWithinWhole: contains(wholeInterval, total.estimate),
    addsUp: contains(difference, 0),
  }
}

interface Steps {
  readonly steps: readonly Step[]
  /** The case that is the whole. */
  readonly whole: string
}

function sendSteps(subject: Subject, mode: SendFunction, connected: boolean): Steps {
  const { batch, sizeBytes } = subject
  const id = (call: SendCall, size = sizeBytes, to = connected) => sendId(mode, to, call, batch, size)
  const loop = loopId(batchOf(mode, batch))
  const probed = (of: Lookup, to: boolean) => of(id('probe', 0, to)) - of(id('entry', sizeBytes, to))
  const route: Step[] = connected
    ? []
    : [
        {
          name: 'route',
          label: 'destination and route lookup',
          from: 'the same probe, unconnected less connected',
          of: (of) => probed(of, false) - probed(of, true),
        },
      ]
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loop, id('none'), id('pretend'), id('crossing'), id('entry')),
      {
        name: 'import',
        label: 'header import',
        from: 'empty probe (MSG_CONFIRM|MSG_PROBE), connected, less kernel entry',
        of: (of) => probed(of, true),
      },
      ...route,
      {
        name: 'device',
        label: 'socket buffer, IP, device',
        from: 'an empty datagram less the probe',
        of: (of) => of(id('kernel', 0)) - of(id('probe', 0)),
      },
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function receiveSteps(subject: Subject, mode: ReceiveFunction): Steps {
  const { batch, sizeBytes } = subject
  const id = (call: ReceiveCall, size = sizeBytes) => receiveId(mode, call, batch, size)
  const loop = loopId(batchOf(mode, batch))
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loop, id('none'), id('pretend'), id('crossing'), id('entry')),
      {
        name: 'dequeue',
        label: 'header import, queue, address',
        from: 'an empty datagram less kernel entry',
        of: (of) => of(id('kernel', 0)) - of(id('entry')),
      },
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function userSteps(loop: string, none: string, pretend: string, crossing: string, entry: string): Step[] {
  const less = (one: string, other: string) => (of: Lookup) => of(one) - of(other)
  return [
    { name: 'loop', label: 'loop', from: 'the empty loop', of: (of) => of(loop) },
    { name: 'marshalling', label: 'marshalling', from: 'filling the batch less the loop', of: less(none, loop) },
    {
      name: 'bookkeeping',
      label: "library's bookkeeping",
      from: 'a send whose system call is a JavaScript function, less filling',
      of: less(pretend, none),
    },
    {
      name: 'crossing',
      label: 'FFI crossing',
      from: 'a C function that does nothing in its place, less the JavaScript one',
      of: less(crossing, pretend),
    },
    {
      name: 'entry',
      label: 'kernel entry and exit',
      from: 'the call for no message, less the C function',
      of: less(entry, crossing),
    },
  ]
}

function payloadSteps(subject: Subject, id: (size: number) => string): Step[] {
  const sizes = copySizes(subject).filter((bytes) => bytes > 0)
  const line = (of: Lookup) => payloadLine(sizes.map((bytes): BytePoint => ({ bytes, nanoseconds: of(id(bytes)) })))
  const from = `regression over ${sizes.join(', ')} bytes`
  return [
    {
      name: 'payload',
      label: 'having a payload at all',
      from: `${from}: its value at 0, less an empty datagram`,
      of: (of) => line(of).atZero - of(id(0)),
    },
    {
      name: 'copy',
      label: 'copying the payload',
      from: `${from}: its slope`,
      of: (of) => line(of).perByte * subject.sizeBytes,
    },
  ]
}
