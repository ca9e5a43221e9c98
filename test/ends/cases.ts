import { activities } from '../support/programs/ends-activities.js'
import { mainEndings, workerEndings } from '../support/programs/ends-endings.js'

/** What a thread does, how it ends, and which kind of thread it is. */
export interface Case {
  /** `lone`: a worker that is the only thread of its process that loads the library. */
  readonly thread: 'worker' | 'lone' | 'main'
  readonly activity: string
  readonly ending: string
  /** `THREAD: ACTIVITY / ENDING` */
  readonly name: string
  /** True if it requires a device that sends slowly. */
  readonly needsSlowDevice: boolean
}

/** Returns every activity with every ending, for each kind of thread, if the name contains one of `parts`. */
export function casesNamed(parts: readonly string[] = ['']): Case[] {
  const all = (['worker', 'lone', 'main'] as const).flatMap((thread) =>
    Object.keys(activities).flatMap((activity) => endingsOf(thread).map((ending) => newCase(thread, activity, ending))),
  )
  return all.filter(({ name }) => parts.some((part) => name.includes(part)))
}

/**
 * A selection of cases for a run of some seconds: each activity with the endings that failed most often, and with some
 * others, alternating so that every ending occurs with several activities. Node's own sockets are left out.
 */
export function sampleCases(): Case[] {
  const names = Object.keys(activities)
  return casesNamed().filter(({ thread, activity, ending }) => {
    if (activity.startsWith('node:dgram') || UNSAFE.has(ending)) return false
    if (thread === 'worker' && ALWAYS.has(ending)) return true
    const index = names.indexOf(activity) + endingsOf(thread).indexOf(ending)
    return index % (thread === 'lone' ? LONE_SAMPLE_STEP : SAMPLE_STEP) === 0
  })
}

function endingsOf(thread: Case['thread']): string[] {
  return Object.keys(thread === 'main' ? mainEndings : workerEndings)
}

function newCase(thread: Case['thread'], activity: string, ending: string): Case {
  const needsSlowDevice = NEED_SLOW_DEVICE.has(activity)
  return { thread, activity, ending, name: `${thread}: ${activity} / ${ending}`, needsSlowDevice }
}

const NEED_SLOW_DEVICE = new Set(['sendAll that is blocked', 'waitWritable'])

const ALWAYS = new Set(['process.exit', 'terminate under traffic'])

/**
 * Can abort the process in about 1 of 100 runs: Koffi does not handle a termination while it declares functions and
 * structures, which a thread does when it opens its first socket.
 */
const UNSAFE = new Set(['terminate while loading'])

const SAMPLE_STEP = 16

const LONE_SAMPLE_STEP = 17
