import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { max, sum } from 'simple-statistics'
import type { EndpointLike } from '../../src/index.js'
import { Mailbox } from '../children/mailbox.js'
import { transpile } from '../children/temporary.js'
import { Failure } from '../cli/run-command.js'
import type { SendMode } from '../traffic/modes.js'
import { cpuSince, type SendResult } from '../traffic/round-record.js'
import type { SendCounts, SendPlan } from '../traffic/sender.js'
import type { Candidate, RoundOrder, RoundResult } from './candidate.js'

/** The plan as a thread gets it: an Endpoint cannot be copied to it. */
export type ThreadPlan = Omit<SendPlan, 'destination'> & { readonly destination: EndpointLike }

export type ThreadOrder = Readonly<{ mode: SendMode; seconds: number; stream: number }>

export type ThreadAnswer = { readonly sent: SendResult } | { readonly soFar: SendCounts }

/** Starts threads that send at the same time. `open` opens one socket in each. */
export function startThreads(count: number, { destination, bind, ...plan }: SendPlan) {
  const program = transpile(join(__dirname, 'stream-thread'))
  const plain = ({ address, port }: EndpointLike) => ({ address, port })
  const workerData: ThreadPlan = { ...plan, destination: plain(destination), bind: bind && plain(bind) }
  const env = { ...process.env, ...program.env, NODE_OPTIONS: '' }
  const threads = Array.from({ length: count }, () => {
    const worker = new Worker(program.entry, { workerData, env, execArgv: [] })
    const answers = new Mailbox<ThreadAnswer>()
    const loaded = new Promise<void>((resolve) => {
      worker.once('message', () => {
        resolve()
        worker.on('message', (answer) => answers.push(answer))
      })
      worker.once('exit', resolve)
    })
    worker.on('error', ({ message }) => answers.end(new Failure(message)))
    worker.on('exit', () => answers.end(new Failure('a thread ended without a result')))
    return { worker, answers, loaded }
  })
  const run = async (
    mode: SendMode,
    { seconds, streams: numbers, signal, onProgress }: RoundOrder,
  ): Promise<RoundResult> => {
    const cpuBefore = process.cpuUsage()
    const startMs = performance.now()
    const packets = numbers.map(() => 0)
    const runs = threads.map(async ({ worker, answers }, index) => {
      worker.postMessage({ mode, seconds, stream: numbers[index] } satisfies ThreadOrder)
      for (;;) {
        const answer = await answers.next((seconds + PATIENCE_SECONDS) * 1000, LATE, signal)
        if ('sent' in answer) return answer.sent
        packets[index] = answer.soFar.packets
        onProgress?.({ ...answer.soFar, packets: sum(packets) }, (performance.now() - startMs) / 1000)
      }
    })
    const streams = await Promise.all(runs)
    const total = (key: 'packets' | 'sendCalls' | 'wouldBlock' | 'errors') => sum(streams.map((one) => one[key]))
    return {
      seconds: max(streams.map((one) => one.seconds)),
      ...{ packets: total('packets'), sendCalls: total('sendCalls') },
      ...{ wouldBlock: total('wouldBlock'), errors: total('errors') },
      // Each stream has a pacer of its own.
      largestBurst: max(streams.map((one) => one.largestBurst ?? 0)) || undefined,
      // Node reports the processor time of the process, not of a thread.
      cpu: cpuSince(cpuBefore),
      streams,
    }
  }
  return {
    /** @throws Failure */
    async open(mode: SendMode, signal: AbortSignal): Promise<Candidate> {
      await run(mode, { seconds: 0, streams: threads.map(() => 1), signal })
      return { name: mode, run: (order) => run(mode, order), costs: () => null, [Symbol.asyncDispose]: async () => {} }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      // To terminate a thread while it loads Koffi would abort the process (docs/event-loop.md).
      await Promise.all(threads.map(({ worker, loaded }) => loaded.then(() => worker.terminate())))
      program[Symbol.dispose]()
    },
  }
}

/** Maximum delay of the answer after the end of a round: the first one includes the start of the thread. */
const PATIENCE_SECONDS = 30
const LATE = new Failure('a thread gave no result in time')
