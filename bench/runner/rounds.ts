import { randomInt } from 'node:crypto'
import type { TrafficOptions } from '../options/traffic-options.js'
import { interfaceDelta, readInterfaceCounters, settledInterfaceCounters } from '../peers/interface-counters.js'
import type { Progress } from '../report/progress.js'
import { type ResultRow, resultRow } from '../report/result-row.js'
import { roundLine, tickLine } from '../report/round-line.js'
import { type Random, shuffled } from '../workload/random.js'
import type { Contender, RoundOrder } from './contender.js'
import type { Session } from './session.js'

/** What is to be measured, and how often. */
export interface RoundsPlan {
  readonly options: TrafficOptions
  /** Where to, and who tells what arrived. */
  readonly session: Session
  readonly contenders: readonly Contender[]
  /** For the order. */
  readonly random: Random
  readonly progress: Progress
  /** Ends it in mid-round with the signal's reason. */
  readonly signal: AbortSignal
}

/** Runs all rounds: in each, every contender once, in random order, so that what drifts meets all alike. */
export async function runRounds(plan: RoundsPlan): Promise<ResultRow[]> {
  const { contenders, random, progress } = plan
  const { rounds, durationSeconds, omitSeconds } = plan.options
  if (omitSeconds > 0) {
    progress.say(`warming up: ${contenders.map(({ name }) => name).join(', ')}`)
    for (const contender of contenders) await runRound(plan, contender, 0, omitSeconds)
  }
  const rows: ResultRow[] = []
  for (let round = 1; round <= rounds; round += 1) {
    for (const contender of shuffled(contenders, random)) {
      const row = await runRound(plan, contender, round, durationSeconds)
      progress.say(roundLine(row, rounds))
      rows.push(row)
    }
  }
  return rows
}

/** One contender's part of a round, from the receiver's readiness to its report. Round 0 is the warm-up. */
async function runRound(plan: RoundsPlan, contender: Contender, round: number, seconds: number): Promise<ResultRow> {
  const { control, interfaceName } = plan.session
  const { sizeBytes } = plan.options
  const { name: mode } = contender
  const stream = randomInt(1, 2 ** 32)
  await control?.start({ stream, sizeBytes, mode, seconds })
  // As close to the sending as can be: the control channel's own packets would be counted too.
  const before = interfaceName === undefined ? undefined : readInterfaceCounters(interfaceName)
  const outcome = await contender.run({
    seconds,
    stream,
    signal: plan.signal,
    ...progressOf(plan, mode, round, seconds),
  })
  const after = before && (await settledInterfaceCounters(interfaceName ?? '', before.txPackets + outcome.packets))
  const delivered = (await control?.stop(outcome.packets)) ?? null
  const { packets, sendCalls, systemCalls, wouldBlock, errors, userSeconds, systemSeconds } = outcome
  return resultRow({
    mode,
    round,
    seconds: outcome.seconds,
    packets,
    bytes: packets * sizeBytes,
    systemCalls,
    batchCalls: sendCalls - wouldBlock,
    delivered,
    interface: interfaceName && before && after ? interfaceDelta(interfaceName, before, after) : null,
    cpu: { userSeconds, systemSeconds },
    wouldBlock,
    errors,
  })
}

/** What a contender is to call while it runs; nothing in the warm-up. */
function progressOf(
  { options: { rounds, sizeBytes }, progress }: RoundsPlan,
  mode: string,
  round: number,
  seconds: number,
): Pick<RoundOrder, 'onProgress'> {
  if (round === 0) return {}
  const tick = progress.ticker(seconds)
  return {
    onProgress: ({ packets }, elapsedSeconds) =>
      tick(elapsedSeconds, () => tickLine({ mode, round, rounds, sizeBytes, packets, elapsedSeconds })),
  }
}
