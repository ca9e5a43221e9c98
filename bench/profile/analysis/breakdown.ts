import { contains } from '../../stats/interval.js'
import { payloadLine } from '../../stats/line.js'
import type { Lookup, Resampling } from '../../stats/resampling.js'
import { copySizes, loopId, receiveId, sendId } from '../cases/cases.js'
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
export type ComponentName =
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

/** The components outside the kernel. */
export const USER_COMPONENTS: readonly ComponentName[] = ['loop', 'marshalling', 'bookkeeping', 'crossing']
/** The kernel's work on each message. */
export const MESSAGE_COMPONENTS: readonly ComponentName[] = ['import', 'route', 'device', 'payload', 'copy', 'dequeue']

/** The cost of a message in one way to send or receive, and its components; docs/profile-json.md describes each key. */
export type Breakdown = ReturnType<typeof breakdowns>[number]
export type Component = Breakdown['components'][number]

/** Returns a breakdown's name: `sendmmsg, connected`. */
export function breakdownName({ mode, connected }: { readonly mode: string; readonly connected: boolean }): string {
  return connected ? `${mode}, connected` : mode
}

/** Returns the share that some of the components have together. */
export function sharesOf({ components }: Breakdown, isIncluded: (name: ComponentName) => boolean): number {
  return components.filter(({ name }) => isIncluded(name)).reduce((sum, { share }) => sum + share, 0)
}

/** Returns the breakdowns of sending and receiving. `attempt` skips those with a case that was not measured. */
export function breakdowns(resampling: Resampling, subject: Subject, attempt: <T>(name: string, work: () => T) => T[]) {
  const keys: { mode: SendFunction | ReceiveFunction; connected: boolean; read: Steps }[] = [
    ...SEND_FUNCTIONS.flatMap((mode) =>
      [false, true].map((connected) => ({ mode, connected, read: sendSteps(subject, mode, connected) })),
    ),
    ...RECEIVE_FUNCTIONS.map((mode) => ({ mode, connected: false, read: receiveSteps(subject, mode) })),
  ]
  return keys.flatMap(({ mode, connected, read: { steps, whole: wholeId } }) =>
    attempt(`the cost breakdown of ${breakdownName({ mode, connected })}`, () => {
      const batch = batchOf(mode, subject.batch)
      const sumOf = (of: Lookup) => steps.reduce((total, [, , , read]) => total + read(of), 0) / batch
      const wholeOf = (of: Lookup) => of(wholeId) / batch
      const sum = resampling.interval(sumOf)
      // The whole is measured directly, with the library's public interface.
      const whole = resampling.interval(wholeOf)
      const difference = resampling.interval((of) => sumOf(of) - wholeOf(of))
      const components = steps.map(([name, label, from, read]) => {
        const nanoseconds = resampling.interval((of) => read(of) / batch)
        const share = nanoseconds.estimate / sum.estimate
        return { name, label, from, nanoseconds, includesZero: contains(nanoseconds, 0), share }
      })
      const [sumWithinWhole, addsUp] = [contains(whole, sum.estimate), contains(difference, 0)]
      return { mode, connected, batch, components, sum, whole, difference, sumWithinWhole, addsUp }
    }),
  )
}

/** A component before it is computed: its value for one operation is read from the medians of cases. */
type Step = readonly [name: ComponentName, label: string, from: string, read: (of: Lookup) => number]

interface Steps {
  readonly steps: readonly Step[]
  readonly whole: string
}

function sendSteps(subject: Subject, mode: SendFunction, connected: boolean): Steps {
  const { batch, sizeBytes } = subject
  const id = (depth: SendDepth, size = sizeBytes, to = connected) => sendId(mode, to, depth, batch, size)
  const probed = (to: boolean) => minus(id('probe', 0, to), id('entry', sizeBytes, to))
  const route: Step = [
    'route',
    'destination and route lookup',
    'the same probe, unconnected minus connected',
    (of) => probed(false)(of) - probed(true)(of),
  ]
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loopId(batchOf(mode, batch)), id),
      ['import', 'header import', 'empty probe (MSG_CONFIRM|MSG_PROBE), connected, minus kernel entry', probed(true)],
      ...(connected ? [] : [route]),
      [
        'device',
        'socket buffer, IP, device',
        'an empty datagram minus the probe',
        minus(id('kernel', 0), id('probe', 0)),
      ],
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function receiveSteps(subject: Subject, mode: ReceiveFunction): Steps {
  const { batch, sizeBytes } = subject
  const id = (depth: ReceiveDepth, size = sizeBytes) => receiveId(mode, depth, batch, size)
  const dequeue = minus(id('kernel', 0), id('entry'))
  return {
    whole: id('library'),
    steps: [
      ...userSteps(loopId(batchOf(mode, batch)), id),
      ['dequeue', 'header import, queue, address', 'an empty datagram minus kernel entry', dequeue],
      ...payloadSteps(subject, (size) => id('kernel', size)),
    ],
  }
}

function userSteps(loop: string, id: (depth: 'none' | 'pretend' | 'crossing' | 'entry') => string): Step[] {
  const [filling, pretended] = ['filling the batch minus the loop', 'a send whose system call is a JavaScript function']
  const crossing = 'the same with an empty C function, minus the JavaScript function'
  return [
    ['loop', 'loop', 'the empty loop', (of) => of(loop)],
    ['marshalling', 'marshalling', filling, minus(id('none'), loop)],
    ['bookkeeping', "library's bookkeeping", `${pretended}, minus filling`, minus(id('pretend'), id('none'))],
    ['crossing', 'FFI crossing', crossing, minus(id('crossing'), id('pretend'))],
    [
      'entry',
      'kernel entry and exit',
      'the call for no messages minus the C function',
      minus(id('entry'), id('crossing')),
    ],
  ]
}

function payloadSteps(subject: Subject, id: (size: number) => string): Step[] {
  const sizes = copySizes(subject).filter((bytes) => bytes > 0)
  const line = (of: Lookup) => payloadLine(sizes.map((bytes) => [bytes, of(id(bytes))]))
  const from = `regression over ${sizes.join(', ')} bytes`
  const atZero = `${from}: its value at 0, minus an empty datagram`
  return [
    ['payload', 'payload of any length', atZero, (of) => line(of).atZero - of(id(0))],
    ['copy', 'copying the payload', `${from}: its slope`, (of) => line(of).perByte * subject.sizeBytes],
  ]
}

function minus(one: string, other: string): (of: Lookup) => number {
  return (of) => of(one) - of(other)
}
