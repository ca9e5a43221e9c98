import { percent, signedPercent } from '../../report/format.js'
import type { Interval } from '../../stats/interval.js'
import type { Subject } from '../cases/work.js'
import { type Breakdown, type Component, MESSAGE_COMPONENTS, sharesOf } from './breakdown.js'
import type { Figures, Gain } from './figures.js'

/** Returns what limits `sendmmsg`, in sentences. */
export function answerInWords(figures: Figures, { batch, sizeBytes }: Subject): string[] {
  const find = (wanted: Breakdown['mode']) =>
    figures.breakdowns.find(({ mode, connected }) => mode === wanted && !connected)
  const [single, many] = [find('sendmsg'), find('sendmmsg')]
  if (single === undefined || many === undefined) return ['Too few cases were measured to say what limits sendmmsg.']
  return [
    ...costs(single, many, batch, sizeBytes),
    ...backToBack(single, many),
    largest(many),
    ...ceiling(figures, batch),
    ...preparing(figures, many, batch),
    ...alternatives(figures),
  ]
}

function costs(single: Breakdown, many: Breakdown, batch: number, sizeBytes: number): string[] {
  const perCall = ({ components }: Breakdown) =>
    components
      .filter(({ name }) => ['crossing', 'entry', 'bookkeeping'].includes(name))
      .reduce((sum, { nanoseconds }) => sum + nanoseconds.estimate, 0)
  return [
    `Sending ${sizeBytes} bytes costs ${ns(single.whole)} with sendmsg, and ${ns(many.whole)} per message with sendmmsg of ` +
      `${batch}, both to an explicit destination through this library.`,
    `The cost of a call before the kernel reads a message (library, FFI, kernel entry and exit) is ` +
      `${perCall(single).toFixed(0)} ns with sendmsg and ${perCall(many).toFixed(1)} ns per message with sendmmsg: ` +
      'batching shares this part.',
  ]
}

/** The kernel runs the same code for each message in both cases, and takes less time when the next message follows at once. */
function backToBack(single: Breakdown, many: Breakdown): string[] {
  const differences = kernelWork(single).flatMap(({ name, label, nanoseconds }) => {
    const other = many.components.find((one) => one.name === name)
    return other === undefined ? [] : [{ label, saved: nanoseconds.estimate - other.nanoseconds.estimate }]
  })
  const total = differences.reduce((sum, { saved }) => sum + saved, 0)
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
  const work = kernelWork(many)
  const share = sharesOf(many, (name) => MESSAGE_COMPONENTS.includes(name))
  const [first] = [...work].sort((one, other) => other.share - one.share)
  const list = work.map(({ label, nanoseconds }) => `${label} ${nanoseconds.estimate.toFixed(0)} ns`).join(', ')
  return (
    `${percent(share)} of the cost of a message with sendmmsg is the kernel's work on that message, which a batch does not ` +
    `share: ${list}. The largest component is ${first.label} (${percent(first.share)}).`
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
      `${batch} gains ${withInterval(gain)} here.`,
  ]
}

function preparing({ encoders }: Figures, many: Breakdown, batch: number): string[] {
  const points = encoders.flatMap(({ name, points: all }) =>
    all.filter((point) => point.batch === batch).map((point) => ({ name, ...point })),
  )
  const own = points.find(({ name }) => name === 'library')
  const [slowest] = [...points].sort((one, other) => other.alone.estimate - one.alone.estimate)
  if (own === undefined) return []
  return [
    `Preparing a message costs ${ns(own.alone)} in this library, ${percent(own.alone.estimate / many.whole.estimate)} of the ` +
      `send. The slowest encoder measured (${slowest.name}) costs ${ns(slowest.alone)} per message.`,
  ]
}

function alternatives({ gains }: Figures): string[] {
  const parts = gains
    .filter(({ name }) => !name.startsWith('batching'))
    .map((gain) => `${gain.label}: ${withInterval(gain)}`)
  return parts.length === 0 ? [] : [`Gains over sendmsg to an explicit destination: ${parts.join('; ')}.`]
}

function kernelWork({ components }: Breakdown): Component[] {
  return components.filter(({ name }) => MESSAGE_COMPONENTS.includes(name))
}

function ns({ estimate }: Interval): string {
  return `${estimate.toFixed(estimate < 100 ? 1 : 0)} ns`
}

function withInterval({ gain }: Gain): string {
  return `${signedPercent(gain.estimate)} [${signedPercent(gain.low)}, ${signedPercent(gain.high)}]`
}

const WORTH_MENTIONING = 0.1
