import { contains, type Interval } from '../../stats/interval.js'
import { payloadLine } from '../../stats/line.js'
import type { Lookup, Resampling } from '../../stats/resampling.js'
import { copySizes, loopId, receiveId, sendId } from '../cases/breakdown-cases.js'
import {
  batchOf,
  RECEIVE_FUNCTIONS,
  type ReceiveDepth,
  type ReceiveFunction,
  SEND_FUNCTIONS,
  type SendDepth,
  type SendFunction,
  type Subject,
} from '../cases/work.js'

/** The components of a cost breakdown, in the order in which a message passes them. */
export const COMPONENT_NAMES = [
  'loop',
  'marshalling',
  'bookkeeping',
  'crossing',
  'entry',
  'import',
  'route',
  'device',
  'dequeue',
  'payload',
  'copy',
] as const
export type ComponentName = (typeof COMPONENT_NAMES)[number]

/** The components outside the kernel. */
export const USER_COMPONENTS: readonly ComponentName[] = ['loop', 'marshalling', 'bookkeeping', 'crossing']
/** The kernel's work on each message. */
export const MESSAGE_COMPONENTS: readonly ComponentName[] = ['import', 'route', 'device', 'payload', 'copy', 'dequeue']

/** One component of a message's cost. */
export interface Component {
  readonly name: ComponentName
  readonly label: string
  /** Which measured cases it is the difference of. */
  readonly from: string
  /** Nanoseconds per message. */
  readonly nanoseconds: Interval
  /** The difference from zero is not significant. */
  readonly includesZero: boolean
  /** Share of the sum of all components. */
  readonly share: number
}

/** The cost of a message in one way to send or receive, and its components. */
export interface Breakdown {
  readonly mode: SendFunction | ReceiveFunction
  readonly connected: boolean
  readonly batch: number
  readonly components: readonly Component[]
  readonly sum: Interval
  /** The whole, measured directly with the library's public interface. */
  readonly whole: Interval
  readonly difference: Interval
  /** The sum is within the interval of the whole. */
  readonly sumWithinWhole: boolean
  /** The difference between sum and whole is not significant. */
  readonly addsUp: boolean
}

/** Returns a breakdown's name: `sendmmsg, connected`. */
export function breakdownName({ mode, connected }: Pick<Breakdown, 'mode' | 'connected'>): string {
  return connected ? `${mode}, connected` : mode
}

/** A component before it is computed: a value for one operation, from the medians of cases. */
interface Step extends Pick<Component, 'name' | 'label' | 'from'> {
  readonly of: (of: Lookup) => number
}

/** The components of a function, and the case of the whole. */
interface Steps {
  readonly steps: readonly Step[]
  readonly whole: string
}

/** Returns the breakdowns of sending and receiving. `attempt` skips those with a case that was not measured. */
export function breakdowns(
  resampling: Resampling,
  subject: Subject,
  attempt: <T>(name: string, work: () => T) => T[],
): Breakdown[] {
  const keys = [
    ...SEND_FUNCTIONS.flatMap((mode) => [false, true].map((connected) => ({ mode, connected }))),
    ...RECEIVE_FUNCTIONS.map((mode) => ({ mode, connected: false })),
  ]
  return keys.flatMap(({ mode, connected }) =>
    attempt(`the cost breakdown of ${breakdownName({ mode, connected })}`, () => {
      const isSend = mode === 'sendmsg' || mode === 'sendmmsg'
      const steps = isSend ? sendSteps(subject, mode, connected) : receiveSteps(subject, mode as ReceiveFunction)
      return breakdown(resampling, subject, mode, connected, steps)
    }),
  )
}

function breakdown(
  resampling: Resampling,
  subject: Subject,
  mode: SendFunction | ReceiveFunction,
  connected: boolean,
  { steps, whole: wholeId }: Steps,
): Breakdown {
  const batch = batchOf(mode, subject.batch)
  const sumOf = (of: Lookup) => steps.reduce((total, step) => total + step.of(of), 0) / batch
  const wholeOf = (of: Lookup) => of(wholeId) / batch
  const sum = resampling.interval(sumOf)
  const whole = resampling.interval(wholeOf)
  const difference = resampling.interval((of) => sumOf(of) - wholeOf(of))
  const components = steps.map(({ of: read, ...step }): Component => {
    const nanoseconds = resampling.interval((of) => read(of) / batch)
    const share = nanoseconds.estimate / sum.estimate
    return { ...step, nanoseconds, includesZero: contains(nanoseconds, 0), share }
  })
  return {
    mode,
    connected,
    batch,
    components,
    sum,
    whole,
    difference,
    sumWithinWhole: contains(whole, sum.estimate),
    addsUp: contains(difference, 0),
  }
}

function sendSteps(subject: Subject, mode: SendFunction, connected: boolean): Steps {
  const { batch, sizeBytes } = subject
  const id = (depth: SendDepth, size = sizeBytes, to = connected) => sendId(mode, to, depth, batch, size)
  const probed = (of: Lookup, to: boolean) => of(id('probe', 0, to)) - of(id('entry', sizeBytes, to))
  const route: Step = {
    name: 'route',
    label: 'destination and route lookup',
    from: 'the same probe, unconnected minus connected',
    of: (of) => probed(of, false) - probed(of, true),
  }
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loopId(batchOf(mode, batch)), id),
      {
        name: 'import',
        label: 'header import',
        from: 'empty probe (MSG_CONFIRM|MSG_PROBE), connected, minus kernel entry',
        of: (of) => probed(of, true),
      },
      ...(connected ? [] : [route]),
      {
        name: 'device',
        label: 'socket buffer, IP, device',
        from: 'an empty datagram minus the probe',
        of: (of) => of(id('kernel', 0)) - of(id('probe', 0)),
      },
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function receiveSteps(subject: Subject, mode: ReceiveFunction): Steps {
  const { batch, sizeBytes } = subject
  const id = (depth: ReceiveDepth, size = sizeBytes) => receiveId(mode, depth, batch, size)
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loopId(batchOf(mode, batch)), id),
      {
        name: 'dequeue',
        label: 'header import, queue, address',
        from: 'an empty datagram minus kernel entry',
        of: (of) => of(id('kernel', 0)) - of(id('entry')),
      },
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function userSteps(loop: string, id: (depth: 'none' | 'pretend' | 'crossing' | 'entry') => string): Step[] {
  const minus = (one: string, other: string) => (of: Lookup) => of(one) - of(other)
  return [
    { name: 'loop', label: 'loop', from: 'the empty loop', of: (of) => of(loop) },
    {
      name: 'marshalling',
      label: 'marshalling',
      from: 'filling the batch minus the loop',
      of: minus(id('none'), loop),
    },
    {
      name: 'bookkeeping',
      label: "library's bookkeeping",
      from: 'a send whose system call is a JavaScript function, minus filling',
      of: minus(id('pretend'), id('none')),
    },
    {
      name: 'crossing',
      label: 'FFI crossing',
      from: 'the same with an empty C function, minus the JavaScript function',
      of: minus(id('crossing'), id('pretend')),
    },
    {
      name: 'entry',
      label: 'kernel entry and exit',
      from: 'the call for no messages minus the C function',
      of: minus(id('entry'), id('crossing')),
    },
  ]
}

function payloadSteps(subject: Subject, id: (size: number) => string): Step[] {
  const sizes = copySizes(subject).filter((bytes) => bytes > 0)
  const line = (of: Lookup) => payloadLine(sizes.map((bytes) => ({ bytes, nanoseconds: of(id(bytes)) })))
  const from = `regression over ${sizes.join(', ')} bytes`
  return [
    {
      name: 'payload',
      label: 'payload of any length',
      from: `${from}: its value at 0, minus an empty datagram`,
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
