import { linearRegression, sum } from 'simple-statistics'
import { contains } from '../../stats/interval.js'
import type { Lookup, Resampling } from '../../stats/resampling.js'
import {
  batchOf,
  callId,
  copySizes,
  type Depth,
  loopId,
  RECEIVE_WAYS,
  SEND_WAYS,
  type Subject,
  type Way,
} from '../cases/cases.js'

/** The components outside the kernel. */
export const USER_COMPONENTS: readonly ComponentName[] = ['loop', 'marshalling', 'bookkeeping', 'crossing']
/** The kernel's work on each message. */
export const MESSAGE_COMPONENTS: readonly ComponentName[] = ['import', 'route', 'device', 'payload', 'copy', 'dequeue']

/** The components, with their colours: distinguishable with colour blindness (Okabe and Ito). */
export const COMPONENT_COLORS = {
  loop: '#8c8c8c',
  marshalling: '#e69f00',
  bookkeeping: '#f0c75e',
  crossing: '#d55e00',
  entry: '#cc79a7',
  import: '#0072b2',
  route: '#56b4e9',
  dequeue: '#3f7f93',
  device: '#4b8f5c',
  payload: '#009e73',
  copy: '#7fd1ae',
} as const
export type ComponentName = keyof typeof COMPONENT_COLORS

/** The cost of a message in one way to send or receive, and its components; docs/profile-json.md describes each key. */
export type Breakdown = ReturnType<typeof breakdowns>[number]
export type Component = Breakdown['components'][number]

/** Returns a breakdown's name: `sendmmsg, connected`. */
export function breakdownName({ mode, connected }: { readonly mode: string; readonly connected: boolean }): string {
  return connected ? `${mode}, connected` : mode
}

/** Returns the share that some of the components have together. */
export function shareOf({ components }: Breakdown, names: readonly ComponentName[]): number {
  return sum(components.map(({ name, share }) => (names.includes(name) ? share : 0)))
}

/** Returns the breakdowns of sending and receiving. `attempt` skips those with a case that was not measured. */
export function breakdowns(resampling: Resampling, subject: Subject, attempt: <T>(name: string, work: () => T) => T[]) {
  return [...SEND_WAYS, ...RECEIVE_WAYS].flatMap((way) =>
    attempt(`the cost breakdown of ${breakdownName(way)}`, () => {
      const batch = batchOf(way.mode, subject.batch)
      const steps = stepsOf(way, subject)
      const sumOf = (of: Lookup) => sum(steps.map(([, , , read]) => read(of))) / batch
      // The whole is measured directly, with the library's public interface.
      const wholeId = callId(way, 'library', subject)
      const wholeOf = (of: Lookup) => of(wholeId) / batch
      const [total, whole] = [resampling.interval(sumOf), resampling.interval(wholeOf)]
      const difference = resampling.interval((of) => sumOf(of) - wholeOf(of))
      const components = steps.map(([name, label, from, read]) => {
        const nanoseconds = resampling.interval((of) => read(of) / batch)
        const share = nanoseconds.estimate / total.estimate
        return { name, label, from, nanoseconds, includesZero: contains(nanoseconds, 0), share }
      })
      const [sumWithinWhole, addsUp] = [contains(whole, total.estimate), contains(difference, 0)]
      return { ...way, batch, components, sum: total, whole, difference, sumWithinWhole, addsUp }
    }),
  )
}

type Read = (of: Lookup) => number

/** A component before it is computed: its value for one operation is read from the medians of cases. */
type Step = readonly [name: ComponentName, label: string, from: string, read: Read]

/** Returns the components in the order in which a message passes them. */
function stepsOf(way: Way, subject: Subject): Step[] {
  const read = (id: string) => (of: Lookup) => of(id)
  const at = (depth: Depth, sizeBytes = subject.sizeBytes, connected = way.connected) =>
    read(callId({ ...way, connected }, depth, { ...subject, sizeBytes }))
  const loop = read(loopId(batchOf(way.mode, subject.batch)))
  const probed = (connected: boolean) => minus(at('probe', 0, connected), at('entry', subject.sizeBytes, connected))
  const empty = at('kernel', 0)
  const sizes = copySizes(subject).filter((bytes) => bytes > 0)
  const points = sizes.map((bytes) => [bytes, at('kernel', bytes)] as const)
  const line = (of: Lookup) => linearRegression(points.map(([bytes, cost]) => [bytes, cost(of)]))
  const from = `regression over ${sizes.join(', ')} bytes`
  const pretended = 'a send whose system call is a JavaScript function'
  const crossing = 'the same with an empty C function, minus the JavaScript function'
  const entry = 'the call for no messages minus the C function'
  const header = 'empty probe (MSG_CONFIRM|MSG_PROBE), connected, minus kernel entry'
  const lookup = 'the same probe, unconnected minus connected'
  const route: Step = ['route', 'destination and route lookup', lookup, minus(probed(false), probed(true))]
  const sent: Step[] = [
    ['import', 'header import', header, probed(true)],
    ...(way.connected ? [] : [route]),
    ['device', 'socket buffer, IP, device', 'an empty datagram minus the probe', minus(empty, at('probe', 0))],
  ]
  const dequeued = minus(empty, at('entry'))
  const received: Step[] = [
    ['dequeue', 'header import, queue, address', 'an empty datagram minus kernel entry', dequeued],
  ]
  return [
    ['loop', 'loop', 'the empty loop', loop],
    ['marshalling', 'marshalling', 'filling the batch minus the loop', minus(at('none'), loop)],
    ['bookkeeping', "library's bookkeeping", `${pretended}, minus filling`, minus(at('pretend'), at('none'))],
    ['crossing', 'FFI crossing', crossing, minus(at('crossing'), at('pretend'))],
    ['entry', 'kernel entry and exit', entry, minus(at('entry'), at('crossing'))],
    ...(RECEIVE_WAYS.includes(way) ? received : sent),
    [
      'payload',
      'payload of any length',
      `${from}: its value at 0, minus an empty datagram`,
      (of) => line(of).b - empty(of),
    ],
    ['copy', 'copying the payload', `${from}: its slope`, (of) => line(of).m * subject.sizeBytes],
  ]
}

function minus(one: Read, other: Read): Read {
  return (of) => one(of) - other(of)
}
