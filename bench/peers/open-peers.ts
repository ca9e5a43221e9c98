import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompareOptions, PeerName } from '../options/compare-options.js'
import type { Progress } from '../report/progress.js'
import type { Contender } from '../runner/contender.js'
import { openContender } from '../runner/contenders.js'
import { ExternalContender, peerOptions } from '../runner/external-contender.js'
import type { SendPlan } from '../runner/sender.js'
import { C_PEER, GO_PEER, type PeerSource, whyNotBuilt } from './compile.js'

/** A peer that takes no part, and why. */
export interface SkippedPeer {
  readonly name: PeerName
  readonly reason: string
}

/** The peers that can be had here. */
export interface OpenPeers extends AsyncDisposable {
  readonly contenders: readonly Contender[]
  readonly skipped: readonly SkippedPeer[]
}

/** Builds and starts the peers asked for; those that this host cannot build are skipped. */
export async function openPeers(
  { peers, mode }: CompareOptions,
  plan: SendPlan,
  progress: Progress,
  signal: AbortSignal,
): Promise<OpenPeers> {
  const folder = await mkdtemp(join(tmpdir(), 'batchconn-peers-'))
  const contenders: Contender[] = []
  const skipped: SkippedPeer[] = []
  const close = async () => {
    for (const contender of contenders) await contender[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const name of peers) {
      if (!isProgram(name)) {
        contenders.push(await openContender(name, name, plan))
        continue
      }
      if (mode === 'gso' && !HAVE_TRAINS.includes(name)) {
        skipped.push({ name, reason: 'it has no trains' })
        continue
      }
      progress.say(`building the peer ${name}`)
      const built = await build(SOURCES[name], folder, signal)
      if ('reason' in built) {
        progress.say(`without ${name}: ${built.reason}`)
        skipped.push({ name, reason: built.reason })
      } else {
        const { program, longOption } = built
        contenders.push(new ExternalContender(name, [program, ...peerOptions(plan, mode, longOption)]))
      }
    }
    return { contenders, skipped, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A program, or why there is none. */
type Built = Awaited<ReturnType<PeerSource['build']>> | { reason: string }

async function build(source: PeerSource, folder: string, signal: AbortSignal): Promise<Built> {
  try {
    return await source.build(folder, signal)
  } catch (error) {
    signal.throwIfAborted()
    return { reason: whyNotBuilt(source.name, error) }
  }
}

function isProgram(name: PeerName): name is keyof typeof SOURCES {
  return name in SOURCES
}

const SOURCES = { c: C_PEER, go: GO_PEER }
const HAVE_TRAINS: readonly PeerName[] = ['c']
