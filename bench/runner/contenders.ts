import { Failure } from '../failure.js'
import { type Contender, LocalContender } from './contender.js'
import { openSender, type SendMode, type SendPlan } from './sender.js'

/** Contenders of this process, closed together. */
export interface LocalContenders extends AsyncDisposable {
  readonly list: readonly Contender[]
}

/** A contender a mode, each with a socket of its own. @throws Failure */
export async function openContenders(modes: readonly SendMode[], plan: SendPlan): Promise<LocalContenders> {
  const list: Contender[] = []
  const close = async () => {
    for (const contender of list) await contender[Symbol.asyncDispose]()
  }
  try {
    for (const mode of modes) list.push(await openContender(mode, mode, plan))
    return { list, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** One way of sending, under a name. @throws Failure */
export async function openContender(name: string, mode: SendMode, plan: SendPlan): Promise<Contender> {
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
