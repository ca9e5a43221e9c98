import { parentPort, workerData } from 'node:worker_threads'
import { endpoint } from '../../src/index.js'
import type { SendMode } from '../traffic/modes.js'
import { type Candidate, openLocal } from './candidate.js'
import type { ThreadAnswer, ThreadOrder, ThreadPlan } from './parallel.js'

/** A thread of `--parallel`: sends one stream at a time. An error ends it, and is reported in the main thread. */
const { destination, ...plan }: ThreadPlan = workerData
// Loads Koffi.
const sending = { ...plan, destination: endpoint(destination) }
const candidates = new Map<SendMode, Candidate>()
const { signal } = new AbortController()
const answer = (message: ThreadAnswer) => parentPort?.postMessage(message)

parentPort?.postMessage('loaded')

parentPort?.on('message', async ({ mode, seconds, stream }: ThreadOrder) => {
  const candidate = candidates.get(mode) ?? (await openLocal(mode, mode, sending))
  candidates.set(mode, candidate)
  const sent = await candidate.run({ seconds, streams: [stream], signal, onProgress: (soFar) => answer({ soFar }) })
  answer({ sent })
})
