import { Failure } from '../failure.js'
import { type Contender, LocalContender } from './contender.js'
import { openSender, type SendMode, type SendPlan, TRAIN_MODES } from './sender.js'
import { trainObstacle } from './train-obstacle.js'

/** A mode that takes no part, and why. */
export interface SkippedMode {
  readonly name: SendMode
  readonly reason: string
}

/** Contenders of this process, closed together. */
export interface LocalContenders extends AsyncDisposable {
  readonly list: readonly Contender[]
  readonly skipped: readonly SkippedMode[]
}

/**
 * A contender a mode, each with a socket of its own. Modes that cannot be had here are left out.
 *
 * @throws Failure if none can
 */
export async function openContenders(modes: readonly SendMode[], plan: SendPlan): Promise<LocalContenders> {
  const list: Contender[] = []
  const skipped: SkippedMode[] = []
  const close = async () => {
    for (const contender of list) await contender[Symbol.asyncDispose]()
  }
  try {
    for (const name of modes) {
      const reason = obstacle(name, plan)
      if (reason === undefined) list.push(await open(name, name, plan))
      else skipped.push({ name, reason })
    }
    if (list.length === 0) throw new Failure(`no ${skipped[0].name} to ${plan.destination}: ${skipped[0].reason}`)
    return { list, skipped, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** One way of sending, under a name. @throws Failure */
export async function openContender(name: string, mode: SendMode, plan: SendPlan): Promise<Contender> {
  const reason = obstacle(mode, plan)
  if (reason !== undefined) throw new Failure(`no ${mode} to ${plan.destination}: ${reason}`)
  return open(name, mode, plan)
}

async function open(name: string, mode: SendMode, plan: SendPlan): Promise<Contender> {
  const { bind, destination } = plan
  try {
    return new LocalContender(name, await openSender(mode, plan))
  } catch (error) {
    const { syscall, code } = error as NodeJS.ErrnoException
    if (syscall === 'bind') throw new Failure(`cannot send from ${bind?.address} port ${bind?.port}: ${code}`)
    if (syscall === 'connect') throw new Failure(`cannot connect to ${destination}: ${code}`)
    throw error
  }
}

/** Why a mode cannot be had; undefined if it can. */
function obstacle(mode: SendMode, plan: SendPlan): string | undefined {
  return TRAIN_MODES.includes(mode) && plan.segments > 1 ? trainObstacle(plan) : undefined
}
