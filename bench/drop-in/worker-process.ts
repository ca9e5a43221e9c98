import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { Failure } from '../failure.js'
import type { Figures, Task } from './task.js'

/** Starts a worker for one task. It answers in a message, and ends with this process at the latest. */
export function startWorker(task: Task, wrapper: readonly string[] = []): ChildProcess {
  const extension = extname(__filename)
  const loader = extension === '.ts' ? ['-r', require.resolve('ts-node/register')] : []
  const program = [process.execPath, ...loader, join(__dirname, `worker${extension}`), JSON.stringify(task)]
  const [command, ...words] = [...wrapper, ...program]
  return spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

/** Has a task done in a process of its own. @throws Failure if it does not answer */
export async function runWorker(task: Task, wrapper: readonly string[], signal: AbortSignal): Promise<Figures> {
  const child = startWorker(task, wrapper)
  try {
    return (await firstMessage(child, `${task.measure}, ${task.contender}`, signal)) as Figures
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    if (child.connected) child.disconnect()
    child.kill()
  }
}

/** What a process says first. @throws Failure if it ends before */
export async function firstMessage(child: ChildProcess, name: string, signal?: AbortSignal): Promise<unknown> {
  const failed = once(child, 'exit', { signal }).then(([code, killedBy]) => {
    throw new Failure(`the process for ${name} ended without an answer (${killedBy ?? code})`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), failed])
    return message
  } finally {
    failed.catch(() => {})
  }
}
