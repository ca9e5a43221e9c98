import type { Mode } from './ends-scene.js'

/** How a worker thread ends. */
export interface WorkerEnding {
  readonly mode: Mode
  /** Runs in the worker once the activity starts. */
  readonly prepare?: () => void
  /** Runs in the worker at a moment of the activity. */
  readonly inside?: (report: (text: string) => void) => void
  /** When another thread calls terminate(). */
  readonly terminate?: 'while it loads' | 'after it started' | 'when it is busy'
  /** True if the activity runs in a worker of the worker, and the worker in between ends in this way. */
  readonly nested?: 'process.exit' | 'terminate'
  readonly outOfMemory?: boolean
  readonly expected: WorkerEnd
}

/** End of a worker as its parent sees it: the exit code, and the code or message of the `error` event. */
export interface WorkerEnd {
  readonly code: number
  readonly error?: string
}

/** True if a worker ended as its ending specifies. */
export function isExpected(end: WorkerEnd, { expected }: WorkerEnding): boolean {
  return end.code === expected.code && end.error === expected.error
}

/** How the main thread, and with it the process, ends. */
export interface MainEnding {
  readonly mode: Mode
  readonly prepare?: () => void
  readonly inside?: () => void
  /** The process receives SIGTERM some time after the activity started. */
  readonly isSignalled?: boolean
  /** Workers that run the activity meanwhile: their number, and whether they keep the process alive. */
  readonly workers?: { readonly count: number; readonly isReferenced: boolean }
  readonly expected: ProcessEnd
}

/** End of a process as seen from outside. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Text that stderr must contain. */
  readonly stderr?: string
}

/** Message of intentional exceptions. */
export const PLANNED = 'planned'

const exit = () => process.exit(3)

const fail = () => {
  throw new Error(PLANNED)
}

const reject = () => void Promise.reject(new Error(PLANNED))

const exitOnException = () => void process.on('uncaughtException', () => process.exit(4))

/** Endings of a worker by name. */
export const workerEndings: Readonly<Record<string, WorkerEnding>> = {
  'process.exit': { mode: 'yielding', inside: exit, expected: { code: 3 } },
  throw: { mode: 'yielding', inside: fail, expected: { code: 1, error: PLANNED } },
  'unhandled rejection': { mode: 'yielding', inside: reject, expected: { code: 1, error: PLANNED } },
  'uncaughtException handler exits': {
    mode: 'yielding',
    prepare: exitOnException,
    inside: fail,
    expected: { code: 4 },
  },
  'terminate under traffic': { mode: 'blocking', terminate: 'after it started', expected: { code: 1 } },
  'terminate while loading': { mode: 'blocking', terminate: 'while it loads', expected: { code: 1 } },
  'terminate in a long callback': {
    mode: 'yielding',
    inside: stayBusy,
    terminate: 'when it is busy',
    expected: { code: 1 },
  },
  'out of memory': {
    mode: 'yielding',
    inside: useUpMemory,
    outOfMemory: true,
    expected: { code: 1, error: 'ERR_WORKER_OUT_OF_MEMORY' },
  },
  'natural end': { mode: 'natural', expected: { code: 0 } },
  'nested, parent exits': { mode: 'blocking', nested: 'process.exit', expected: { code: 3 } },
  'nested, parent terminated': {
    mode: 'blocking',
    nested: 'terminate',
    terminate: 'after it started',
    expected: { code: 1 },
  },
}

/** Endings of the main thread by name. */
export const mainEndings: Readonly<Record<string, MainEnding>> = {
  'process.exit': { mode: 'yielding', inside: exit, expected: exited(3) },
  'process.reallyExit': { mode: 'yielding', inside: reallyExit, expected: exited(5) },
  throw: { mode: 'yielding', inside: fail, expected: { ...exited(1), stderr: `Error: ${PLANNED}` } },
  'unhandled rejection': { mode: 'yielding', inside: reject, expected: { ...exited(1), stderr: `Error: ${PLANNED}` } },
  'uncaughtException handler exits': {
    mode: 'yielding',
    prepare: exitOnException,
    inside: fail,
    expected: exited(4),
  },
  'uncaughtException handler continues': {
    mode: 'yielding',
    prepare: exitSoonAfterException,
    inside: fail,
    expected: exited(6),
  },
  SIGTERM: { mode: 'blocking', isSignalled: true, expected: { code: null, signal: 'SIGTERM' } },
  'SIGTERM handler exits': { mode: 'yielding', prepare: exitOnSignal, isSignalled: true, expected: exited(7) },
  'natural end': { mode: 'natural', expected: exited(0) },
  'process.exit, workers active': {
    mode: 'yielding',
    inside: exit,
    workers: { count: 2, isReferenced: true },
    expected: exited(3),
  },
  'natural end, workers active': {
    mode: 'natural',
    workers: { count: 2, isReferenced: false },
    expected: exited(0),
  },
}

function exited(code: number): ProcessEnd {
  return { code, signal: null }
}

function stayBusy(report: (text: string) => void): void {
  report('busy')
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline);
  throw new Error('the thread was not ended for 30 s')
}

function useUpMemory(): void {
  const kept: unknown[] = []
  for (let index = 0; index < 1_000_000; index += 1) kept.push(new Array(1000).fill(Math.random()))
  throw new Error(`memory did not run out after ${kept.length} arrays`)
}

/** Ends of the process that bypass the `exit` listeners are left out. */
function reallyExit(): void {
  const { reallyExit } = process as unknown as { reallyExit(code: number): void }
  reallyExit.call(process, 5)
}

function exitSoonAfterException(): void {
  process.once('uncaughtException', () => setTimeout(() => process.exit(6), 5))
}

function exitOnSignal(): void {
  process.on('SIGTERM', () => process.exit(7))
}
