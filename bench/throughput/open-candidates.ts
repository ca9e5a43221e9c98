import { sweepFolders, temporaryFolder } from '../children/temporary.js'
import type { Progress } from '../cli/progress.js'
import { Failure } from '../cli/run-command.js'
import type { PeerName, ThroughputPlan } from '../options/throughput-options.js'
import { gsoUnsupportedReason } from '../traffic/gso-support.js'
import { isGsoMode, type SendMode } from '../traffic/modes.js'
import type { SendPlan } from '../traffic/sender.js'
import { type Candidate, LocalCandidate } from './candidate.js'
import { buildPeer } from './external-candidate.js'
import { StreamThreads } from './parallel.js'

/** A mode or program that does not take part, and why. */
export interface Skipped {
  readonly name: SendMode | PeerName
  readonly reason: string
}

interface Candidates extends AsyncDisposable {
  readonly list: readonly Candidate[]
  readonly skipped: readonly Skipped[]
}

/** The name of the first mode in a comparison with other programs. */
export const OWN_NAME = 'batchconn'

/**
 * Opens the candidates, each with a socket of its own. Those that this host does not support are skipped.
 *
 * @throws Failure if none is supported, or in a comparison not the first
 */
export async function openCandidates(
  { command, modes, peers, parallel }: ThroughputPlan,
  plan: SendPlan,
  progress: Progress,
  signal: AbortSignal,
): Promise<Candidates> {
  const list: Candidate[] = []
  const skipped: Skipped[] = []
  const resources: (Disposable | AsyncDisposable)[] = []
  const add = (candidate: Candidate) => {
    list.push(candidate)
    resources.push(candidate)
  }
  const skip = (name: Skipped['name'], reason: string) => {
    progress.say(`without ${name}: ${reason}`)
    skipped.push({ name, reason })
  }
  const close = async () => {
    for (const one of resources.reverse()) {
      if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]()
      else one[Symbol.dispose]()
    }
  }
  try {
    if (parallel > 1 || peers.length > 0) sweepFolders()
    const threads = parallel === 1 ? undefined : new StreamThreads(parallel, plan)
    if (threads !== undefined) resources.push(threads)
    for (const [index, mode] of modes.entries()) {
      const reason = isGsoMode(mode) && plan.segments > 1 ? gsoUnsupportedReason(plan) : undefined
      const isOwn = command === 'compare' && index === 0
      if (reason === undefined && threads !== undefined) add(await threads.open(mode, signal))
      else if (reason === undefined) add(await LocalCandidate.open(isOwn ? OWN_NAME : mode, mode, plan))
      else if (isOwn || modes.length === 1) throw new Failure(`no ${mode} to ${plan.destination}: ${reason}`)
      else skip(mode, reason)
    }
    if (peers.length > 0) {
      const folder = temporaryFolder('peers')
      resources.unshift(folder)
      for (const name of peers) {
        if (isGsoMode(modes[0]) && name === 'go') {
          skip(name, 'it does not support GSO')
          continue
        }
        progress.say(`compiling the program ${name}`)
        const built = await buildPeer(name, plan, modes[0], folder.path, signal)
        if (typeof built === 'string') skip(name, built)
        else add(built)
      }
    }
    if (list.length === 0) throw new Failure(`no ${skipped[0].name} to ${plan.destination}: ${skipped[0].reason}`)
    return { list, skipped, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
