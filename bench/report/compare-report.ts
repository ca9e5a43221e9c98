import type { CompareOptions } from '../options/compare-options.js'
import { describeMachine } from '../peers/machine.js'
import type { SkippedPeer } from '../peers/open-peers.js'
import type { Session } from '../runner/session.js'
import type { Estimate } from '../statistics/median.js'
import { SCHEMA_VERSION } from './document.js'
import { decimal } from './format.js'
import type { ResultRow } from './result-row.js'
import { trafficConfig, trafficHeading } from './send-report.js'
import type { SummaryRow } from './summary.js'
import { summaryTable } from './summary-table.js'
import { uncutTrainNotes } from './train-notes.js'

/** How many times as many packets a second batchconn sends as a peer. */
export interface PeerRatio {
  readonly peer: string
  /** Null if it had rounds with no packet. */
  readonly ratio: Estimate | null
  /** The same a second of CPU: on a busy machine the steadier of the two. */
  readonly cpuRatio: Estimate | null
}

/** A comparison that is over. */
export interface CompareRun {
  readonly options: CompareOptions
  readonly session: Session
  readonly skipped: readonly SkippedPeer[]
  readonly rows: readonly ResultRow[]
  readonly summary: readonly SummaryRow[]
  readonly ratios: readonly PeerRatio[]
}

/** The JSON document. */
export function compareDocument({ options, session, skipped, rows, summary, ratios }: CompareRun): object {
  const { mode, peers } = options
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'compare',
    config: { mode, peers, skippedPeers: skipped, ...trafficConfig(options, session) },
    machine: describeMachine(),
    results: rows,
    summary,
    ratios,
    warnings: uncutTrainNotes(session, summary),
  }
}

/** The table, and a line a ratio. */
export function compareText({ options, session, skipped, summary, ratios }: CompareRun): string {
  const lines = [
    ...trafficHeading(options, session),
    '',
    summaryTable(summary, session.interfaceName),
    '',
    ...ratios.map(({ peer, ratio }) => ratioLine('packets a second', peer, ratio)),
    ...ratios.map(({ peer, cpuRatio }) => ratioLine('packets a CPU second', peer, cpuRatio)),
    ...skipped.map(({ name, reason }) => `without ${name}: ${reason}`),
    ...uncutTrainNotes(session, summary),
  ]
  return lines.join('\n')
}

/** One line: how many times as fast. */
function ratioLine(measure: string, peer: string, ratio: Estimate | null): string {
  if (ratio === null) return `${measure}, batchconn / ${peer}: not to be told, ${peer} had rounds with none`
  const [median, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => decimal(value, 3))
  return `${measure}, batchconn / ${peer}: ${median} (95 % bootstrap interval ${low} - ${high})`
}
