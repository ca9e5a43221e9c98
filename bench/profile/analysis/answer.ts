import { sum } from 'simple-statistics'
import { percent, signedPercent } from '../../report/format.js'
import type { Interval } from '../../stats/interval.js'
import type { Subject } from '../cases/cases.js'
import { type Breakdown, type Component, type ComponentName, MESSAGE_COMPONENTS, shareOf } from './breakdown.js'
import type { Figures } from './figures.js'

/** Returns what limits `sendmmsg`, in sentences. */
export function answerInWords(figures: Figures, { batch, sizeBytes }: Subject): string[] {
  const [single, many] = (['sendmsg', 'sendmmsg'] as const).map((wanted) =>
    figures.breakdowns.find(({ mode, connected }) => mode === wanted && !connected),
  )
  if (single === undefined || many === undefined) return ['Too few cases were measured to say what limits sendmmsg.']
  const perCall = (breakdown: Breakdown) => sum(componentsOf(breakdown, CALL).map((one) => one.nanoseconds.estimate))
  return [
    `Sending ${sizeBytes} bytes costs ${ns(single.whole)} with sendmsg, and ${ns(many.whole)} per message with sendmmsg of ` +
      `${batch}, both to an explicit destination through this library.`,
    `The cost of a call before the kernel reads a message (library, FFI, kernel entry and exit) is ` +
      `${perCall(single).toFixed(0)} ns with sendmsg and ${perCall(many).toFixed(1)} ns per message with sendmmsg: ` +
      'batching shares this part.',
    ...backToBack(single, many),
    largest(many),
    ...ceiling(figures, batch),
    ...preparing(figures, many, batch),
    ...alternatives(figures),
  ]
}

/** The kernel runs the same code for each message in both cases, and takes less time when the next message follows at once. */
function backToBack(single: Breakdown, many: Breakdown): string[] {
  const differences = componentsOf(single, MESSAGE_COMPONENTS).flatMap(({ name, label, nanoseconds }) => {
    const other = many.components.find((one) => one.name === name)
    return other === undefined ? [] : [{ label, saved: nanoseconds.estimate - other.nanoseconds.estimate }]
  })
  const total = sum(differences.map(({ saved }) => saved))
  const whole = single.whole.estimate - many.whole.estimate
  if (total < WORTH_MENTIONING * whole) return []
  const parts = differences
    .filter(({ saved }) => saved > 0)
    .map(({ label, saved }) => `${label} ${saved.toFixed(0)} ns`)
  return [
    `Of the ${whole.toFixed(0)} ns that a message in a batch saves, ${total.toFixed(0)} ns are not the call: the kernel's ` +
      `work on a message takes less time when the next one follows at once (${parts.join(', ')}).`,
  ]
}

function largest(many: Breakdown): string {
  const work = componentsOf(many, MESSAGE_COMPONENTS)
  const [first] = [...work].sort((one, other) => other.share - one.share)
  const list = work.map(({ label, nanoseconds }) => `${label} ${nanoseconds.estimate.toFixed(0)} ns`).join(', ')
  return (
    `${percent(shareOf(many, MESSAGE_COMPONENTS))} of the cost of a message with sendmmsg is the kernel's work ` +
    `on that message, which a batch does not share: ${list}. The largest component is ${first.label} ` +
    `(${percent(first.share)}).`
  )
}

function ceiling({ lines, gains }: Figures, batch: number): string[] {
  const line = lines.find(({ name }) => name === 'sendmmsg')
  const gain = gains.find(({ name }) => name === 'batching')
  if (line === undefined || gain === undefined) return []
  const { estimate, low, high } = line.maxGain
  return [
    `The cost of a sendmmsg call is ${ns(line.a)} + n × ${ns(line.b)}. So no batch size gains more than ` +
      `${percent(estimate)} [${percent(low)}, ${percent(high)}] over batches of one (a/b). Compared with sendmsg, a batch of ` +
      `${batch} gains ${withInterval(gain.gain)} here.`,
  ]
}

function preparing({ encoders }: Figures, many: Breakdown, batch: number): string[] {
  const costs = encoders.flatMap(({ name, points }) =>
    points.filter((point) => point.batch === batch).map(({ alone }) => ({ name, alone })),
  )
  const own = costs.find(({ name }) => name === 'library')
  if (own === undefined) return []
  const [slowest] = [...costs].sort((one, other) => other.alone.estimate - one.alone.estimate)
  return [
    `Preparing a message costs ${ns(own.alone)} in this library, ${percent(own.alone.estimate / many.whole.estimate)} of the ` +
      `send. The slowest encoder measured (${slowest.name}) costs ${ns(slowest.alone)} per message.`,
  ]
}

function alternatives({ gains }: Figures): string[] {
  const others = gains.filter(({ name }) => !name.startsWith('batching'))
  const parts = others.map(({ label, gain }) => `${label}: ${withInterval(gain)}`)
  return parts.length === 0 ? [] : [`Gains over sendmsg to an explicit destination: ${parts.join('; ')}.`]
}

function componentsOf({ components }: Breakdown, names: readonly ComponentName[]): Component[] {
  return components.filter(({ name }) => names.includes(name))
}

function ns({ estimate }: Interval): string {
  return `${estimate.toFixed(estimate < 100 ? 1 : 0)} ns`
}

function withInterval({ estimate, low, high }: Interval): string {
  return `${signedPercent(estimate)} [${signedPercent(low)}, ${signedPercent(high)}]`
}

const WORTH_MENTIONING = 0.1
const CALL: readonly ComponentName[] = ['crossing', 'entry', 'bookkeeping']
