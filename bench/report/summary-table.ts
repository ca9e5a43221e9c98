import type { Estimate } from '../statistics/median.js'
import { decimal, gigabits, percent, whole } from './format.js'
import type { SummaryRow } from './summary.js'
import { table } from './table.js'

/** A column a mode, a row a measure: what is not known is left out. */
export function summaryTable(summary: readonly SummaryRow[], interfaceName: string | undefined): string {
  const rows = measures(interfaceName, summary[0].mode).map(([label, cell]) => [label, ...summary.map(cell)])
  const known = rows.filter(([, ...cells]) => cells.some((cell) => cell !== UNKNOWN))
  return table([['', ...summary.map(({ mode }) => mode)], ...known])
}

/** Each measure's name, and its cell for a mode. */
function measures(interfaceName: string | undefined, first: string): [string, (row: SummaryRow) => string][] {
  return [
    ['packets/s', ({ packetsPerSecond }) => estimate(packetsPerSecond, whole)],
    ['Gbit/s', ({ bitsPerSecond }) => estimate(bitsPerSecond, gigabits)],
    ['ns per packet', ({ nanosecondsPerPacket }) => estimate(nanosecondsPerPacket, whole)],
    [`ratio to ${first}`, ({ mode, ratioToFirst }) => (mode === first ? '1' : estimate(ratioToFirst, ratio))],
    ['system calls', ({ systemCalls }) => whole(systemCalls)],
    ['achieved batch', ({ achievedBatch }) => decimal(achievedBatch.median, 2)],
    ['user CPU', ({ cpu }) => percent(cpu.userShare)],
    ['system CPU', ({ cpu }) => percent(cpu.systemShare)],
    ['prepare ns/packet', ({ prepareNanoseconds }) => orUnknown(prepareNanoseconds, (value) => decimal(value, 1))],
    ['sent', ({ packets }) => whole(packets)],
    ['delivered', ({ delivered }) => orUnknown(delivered, whole)],
    [
      'lost',
      ({ lost, packets }) => orUnknown(lost, (value) => `${whole(value)} (${percent(value / Math.max(1, packets))})`),
    ],
    [`${interfaceName} counted`, ({ interfacePackets }) => orUnknown(interfacePackets, whole)],
    [`${interfaceName} dropped`, ({ interfaceDropped }) => unlessZero(interfaceDropped ?? 0)],
    ['errors', ({ errors }) => unlessZero(errors)],
  ]
}

/** A median and its interval, or the median alone where there is one value only. */
function estimate(value: Estimate | null, format: (value: number) => string): string {
  return orUnknown(value, ({ median, low, high }) => {
    return low === high ? format(median) : `${format(median)} (${format(low)} - ${format(high)})`
  })
}

function ratio(value: number): string {
  return decimal(value, 3)
}

function unlessZero(count: number): string {
  return count === 0 ? UNKNOWN : whole(count)
}

function orUnknown<T>(value: T | null, format: (value: T) => string): string {
  return value === null ? UNKNOWN : format(value)
}

/** A row of nothing but these is left out. */
const UNKNOWN = '-'
