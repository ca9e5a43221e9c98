import { replicated } from '../../engine/case.js'
import {
  batchOf,
  type CrossingBy,
  type ProfileCase,
  RECEIVE_FUNCTIONS,
  type ReceiveDepth,
  type ReceiveFunction,
  SEND_FUNCTIONS,
  type SendDepth,
  type SendFunction,
  type Subject,
} from './work.js'

/** Returns the payload sizes that the cost of copying is derived from. */
export function copySizes({ sizeBytes }: Pick<Subject, 'sizeBytes'>): number[] {
  return [...new Set([0, 1, ...[0.25, 0.5, 0.75, 1].map((share) => Math.round(sizeBytes * share))])]
}

export function loopId(batch: number): string {
  return `loop/${batch}`
}

export function sendId(
  name: SendFunction,
  connected: boolean,
  depth: SendDepth,
  batch: number,
  sizeBytes: number,
): string {
  return `send/${name}/${connected ? 'connected' : 'unconnected'}/${depth}/${batchOf(name, batch)}/${sizeBytes}`
}

export function receiveId(name: ReceiveFunction, depth: ReceiveDepth, batch: number, sizeBytes: number): string {
  return `receive/${name}/${depth}/${batchOf(name, batch)}/${sizeBytes}`
}

export function crossingId(by: CrossingBy, name: SendFunction): string {
  return `crossing/${by}/${name}`
}

/** Returns all cases of the cost breakdowns of sending and receiving. */
export function breakdownCases(subject: Subject): ProfileCase[] {
  const base = { target: 'main', every: 1 } as const
  const loops = [...new Set([1, subject.batch])].map((batch): ProfileCase => {
    return { ...base, id: loopId(batch), worker: loopId(batch), work: { kind: 'loop', batch } }
  })
  const sends = SEND_FUNCTIONS.flatMap((name) =>
    [false, true].flatMap((connected) =>
      depths<SendDepth>(subject, ['none', 'pretend', 'crossing', 'entry', 'probe'], (depth, size) => ({
        ...base,
        id: sendId(name, connected, depth, subject.batch, size),
        worker: `send/${name}/${connected}/${depth}`,
        work: {
          kind: 'send',
          depth,
          function: name,
          batch: batchOf(name, subject.batch),
          repeat: 1,
          sizeBytes: size,
          connected,
        },
      })),
    ),
  )
  const receives = RECEIVE_FUNCTIONS.flatMap((name) =>
    depths<ReceiveDepth>(subject, ['none', 'pretend', 'crossing', 'entry'], (depth, size) => ({
      ...base,
      id: receiveId(name, depth, subject.batch, size),
      worker: `receive/${name}/${depth}`,
      work: { kind: 'receive', depth, function: name, batch: batchOf(name, subject.batch), repeat: 1, sizeBytes: size },
    })),
  )
  const crossings = (['javascript', 'koffi', 'node:ffi'] as const).flatMap((by) =>
    SEND_FUNCTIONS.map((name): ProfileCase => {
      const id = crossingId(by, name)
      const flags = by === 'node:ffi' ? { nodeFlags: FFI_FLAGS } : {}
      return { ...base, ...flags, id, worker: id, work: { kind: 'crossing', by, function: name } }
    }),
  )
  return [...loops, ...sends, ...receives, ...crossings]
}

/** The cases of one function: the depths above the kernel, all payload sizes into the kernel, and the library. */
function depths<Depth extends SendDepth>(
  subject: Subject,
  shallow: readonly Depth[],
  make: (depth: Depth, sizeBytes: number) => ProfileCase,
): ProfileCase[] {
  const { sizeBytes, replicas } = subject
  const kernel = copySizes(subject).map((size) => make('kernel' as Depth, size))
  return [
    ...shallow.map((depth) => make(depth, depth === 'probe' ? 0 : sizeBytes)),
    ...replicated(replicas, [...kernel, make('library' as Depth, sizeBytes)]),
  ]
}

// Node 26 requires it, later versions do not, and earlier ones reject it.
const FFI_FLAGS = ['--experimental-ffi'].filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
