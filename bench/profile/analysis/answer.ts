import type { Subject } from '../plan/case.js'
import type { Interval } from '../statistics/interval.js'
import type { Figures } from './figures.js'
import type { Gain } from './gains.js'
import type { Ladder, Rung } from './ladder.js'

/** What limits `sendmmsg`, in plain words, each sentence from the figures. */
export function answerInWords(figures: Figures, { batch, sizeBytes }: Subject): string[] {
  const single = find(figures.ladders, 'sendmsg', false)
  const many = find(figures.ladders, 'sendmmsg', false)
  if (single === undefined || many === undefined)
    return ['Too little could be measured here to say what limits sendmmsg.']
  return [
    ...costs(single, many, batch, sizeBytes),
    ...largest(many),
    ...ceiling(figures, batch),
    ...preparing(figures, batch),
    ...instead(figures),
  ]
}

function costs(single: Ladder, many: Ladder, batch: number, sizeBytes: number): string[] {
  const perCall = ['crossing', 'entry', 'bookkeeping']
  const saved = (ladder: Ladder) => sumOf(ladder.rungs.filter(({ name }) => perCall.includes(name)))
  return [
    `Sending ${sizeBytes} bytes costs ${ns(single.whole)} by sendmsg, and ${ns(many.whole)} a message by sendmmsg of ` +
      `${batch}, both to a named destination through this library.`,
    `What a call costs before the kernel looks at any message (library, FFI, kernel entry and exit) is ` +
      `${saved(single).toFixed(0)} ns with sendmsg and ${saved(many).toFixed(1)} ns a message with sendmmsg: ` +
      'this is what batching shares out.',
    ...backToBack(single, many),
  ]
}

/** The kernel's work on a message is the same code in both, and yet takes less time when nothing comes between. */
function backToBack(single: Ladder, many: Ladder): string[] {
  const less = single.rungs.flatMap(({ name, label, nanoseconds }) => {
    const other = many.rungs.find((rung) => rung.name === name)
    if (other === undefined || !KERNEL_WORK.includes(name)) return []
    return [{ label, saved: nanoseconds.estimate - other.nanoseconds.estimate }]
  })
  const total = less.reduce((sum, { saved }) => sum + saved, 0)
  const whole = single.whole.estimate - many.whole.estimate
  if (total < BACK_TO_BACK_SHARE * whole) return []
  const parts = less.filter(({ saved }) => saved > 0).map(({ label, saved }) => `${label} ${saved.toFixed(0)} ns`)
  return [
    `Of the ${whole.toFixed(0)} ns that a message in a batch saves, ${total.toFixed(0)} ns are not the call: the kernel's ` +
      `own work on a message takes so much less when the next follows at once, without leaving the kernel ` +
      `(${parts.join(', ')}).`,
  ]
}

function largest(many: Ladder): string[] {
  const inKernel = many.rungs.filter(({ name }) => KERNEL_WORK.includes(name))
  const share = inKernel.reduce((sum, rung) => sum + rung.share, 0)
  const [first] = [...inKernel].sort((one, other) => other.share - one.share)
  return [
    `${percent(share)} of a message sent by sendmmsg is the kernel's own work on that message, done anew for each: ` +
      `${list(inKernel)}. The largest part is ${first.label} (${percent(first.share)}).`,
  ]
}

function ceiling({ lines, gains }: Figures, batch: number): string[] {
  const line = lines.find(({ name }) => name === 'sendmmsg')
  const gain = gains.find(({ name }) => name === 'batching')
  if (line === undefined || gain === undefined) return []
  return [
    `The cost of a sendmmsg call is ${ns(line.a)} + n × ${ns(line.b)}. So no batch, however large, can send more than ` +
      `${percent(line.mostGain.estimate)} [${percent(line.mostGain.low)}, ${percent(line.mostGain.high)}] more than batches ` +
      `of one: a/b. Against sendmsg, a batch of ${batch} gains ${withInterval(gain)} here.`,
  ]
}

function preparing({ strategies, ladders }: Figures, batch: number): string[] {
  const points = strategies.flatMap(({ name, points: all }) =>
    all.filter((point) => point.batch === batch).map((point) => ({ name, ...point })),
  )
  const own = points.find(({ name }) => name === 'library')
  const dearest = [...points].sort((one, other) => other.alone.estimate - one.alone.estimate)[0]
  if (own === undefined || dearest === undefined) return []
  const many = find(ladders, 'sendmmsg', false)
  const whole = many?.whole.estimate ?? own.withCall.estimate
  return [
    `Preparing a message costs ${ns(own.alone)} the library's way, ${percent(own.alone.estimate / whole)} of the send. ` +
      `It can eat up the gain if done carelessly: by ${dearest.name} it is ${ns(dearest.alone)} a message.`,
  ]
}

function instead({ gains }: Figures): string[] {
  const parts = gains
    .filter(
      ({ name }) => name === 'connecting' || name === 'connecting and batching' || name === 'gso' || name === 'gso-cut',
    )
    .map((gain) => `${gain.label}: ${withInterval(gain)}`)
  return parts.length === 0 ? [] : [`Over sendmsg to a named destination gain: ${parts.join('; ')}.`]
}

/** Below this share it is not worth a sentence. */
const BACK_TO_BACK_SHARE = 0.1

/** The parts of a send that the kernel does for each message. */
const KERNEL_WORK: readonly string[] = ['import', 'route', 'device', 'payload', 'copy', 'dequeue']

function find(ladders: readonly Ladder[], mode: Ladder['mode'], connected: boolean): Ladder | undefined {
  return ladders.find((ladder) => ladder.mode === mode && ladder.connected === connected)
}

function sumOf(rungs: readonly Rung[]): number {
  return rungs.reduce((sum, { nanoseconds }) => sum + nanoseconds.estimate, 0)
}

function list(rungs: readonly Rung[]): string {
  return rungs.map(({ label, nanoseconds }) => `${label} ${nanoseconds.estimate.toFixed(0)} ns`).join(', ')
}

function ns({ estimate }: Interval): string {
  return `${estimate.toFixed(estimate < 100 ? 1 : 0)} ns`
}

function withInterval({ gain }: Gain): string {
  return `${signedPercent(gain.estimate)} [${signedPercent(gain.low)}, ${signedPercent(gain.high)}]`
}

function signedPercent(share: number): string {
  return `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
