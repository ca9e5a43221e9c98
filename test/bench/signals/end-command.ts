import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchProcess, type Finished } from '../support.js'
import type { CommandMoments, Moment, SIGNALS } from './moments.js'

/** What is left of a command: processes, temporary folders and network namespaces. */
interface Leftovers {
  readonly processes: string[]
  readonly folders: string[]
  readonly namespaces: string[]
}

/**
 * Ends a command at a moment by a signal, and checks its exit status, what it printed, and that nothing is left: at once, or
 * after SIGKILL, once the children have noticed and the next run has removed the rest.
 *
 * @param folder - an empty folder for its temporary files
 * @param tsNode - runs it through ts-node, as users do
 * @returns what was wrong
 */
export async function endCommand(
  { command, words, status, hasSender, tsNode: needsTsNode = false }: CommandMoments,
  moment: Moment,
  { signal, number, toGroup }: (typeof SIGNALS)[number],
  folder: string,
  tsNode = false,
): Promise<string[]> {
  const problems: string[] = []
  const mark = `BATCHCONN_SIGNAL_TEST=${process.pid}-${marks}`
  marks += 1
  const port = hasSender ? await freePort() : 0
  const line = `${words} ${moment.words ?? ''}${hasSender ? ` --listen 127.0.0.1:${port}` : ''}`
  const env = { ...process.env, TMPDIR: folder, BATCHCONN_SIGNAL_TEST: mark.split('=')[1] }
  // A process group of its own, as in a terminal.
  const options = { wrapper: ['setsid'], env, tsNode: tsNode || needsTsNode }
  const started = new BenchProcess(command, line.split(' ').filter(Boolean), options)
  const pid = Number(started.child.pid)
  let sender: BenchProcess | undefined
  if (hasSender && moment.at instanceof RegExp && moment.at.source !== 'listening on') {
    await started.says(/listening on/)
    const control = moment.words?.includes('--no-control') ? ' --no-control' : ''
    const sending = `--to 127.0.0.1:${port} --mode sendmsg,sendmmsg --duration 0.2 --rounds 500 --omit 0 --quiet${control}`
    sender = new BenchProcess('send', sending.split(' '))
  }
  if (typeof moment.at === 'number') await sleep(moment.at)
  else if (moment.at instanceof RegExp) await started.says(moment.at)
  else await programRuns(moment.at.program, mark, started)
  if (moment.afterMs !== undefined) await sleep(moment.afterMs)
  send(toGroup ? -pid : pid, signal)
  const finished = await started.finished()
  await sender?.end('SIGKILL')
  problems.push(...judge(command, status, moment, signal, number, finished))

  const left = await settled(pid, folder, mark)
  for (const one of left.processes) problems.push(`a process is left: ${one}`)
  if (signal !== 'SIGKILL') {
    problems.push(...[...left.folders, ...left.namespaces].map((one) => `left behind: ${one}`))
  } else if (left.folders.length > 0 || left.namespaces.length > 0) {
    const next = new BenchProcess(command, words.split(' '), options)
    await next.says(command === 'profile' ? /starting their processes/ : /compiling|round 1/)
    const { folders, namespaces } = leftovers(pid, folder, mark)
    problems.push(...[...folders, ...namespaces].filter(isOf(pid)).map((one) => `not removed by the next run: ${one}`))
    await next.end('SIGTERM')
  }
  return problems
}

function judge(
  command: string,
  status: CommandMoments['status'],
  { at, result }: Moment,
  signal: NodeJS.Signals,
  number: number,
  { status: exitStatus, signal: endedBy, stdout, stderr }: Finished,
): string[] {
  if (signal === 'SIGKILL' && endedBy === 'SIGKILL') return []
  // Before the command handles signals, their default action ends it.
  const isUnhandled = typeof at === 'number' && endedBy === signal
  const expected = status === 'ends' ? 0 : 128 + number
  const problems: string[] = []
  if (!isUnhandled && exitStatus !== expected) problems.push(`exit status ${exitStatus ?? endedBy}, not ${expected}`)
  if (result === undefined ? stdout !== '' : !isUnhandled && !result.test(stdout)) {
    problems.push(`standard output: ${JSON.stringify(stdout.slice(0, 200))}`)
  }
  if (/\n {4}at /.test(stderr)) problems.push(`a stack trace: ${stderr.slice(-400)}`)
  const hasSaidSo = new RegExp(`^${command}: interrupted by ${signal}$`, 'm').test(stderr)
  if (!isUnhandled && status === 'signal' && !hasSaidSo) problems.push(`standard error: ${stderr.slice(-200)}`)
  return problems
}

/** Sends a signal; a command that has ended by itself shows that by its exit status. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until a child of the command runs this program, or the command has ended. */
async function programRuns(program: string, mark: string, { child }: BenchProcess): Promise<void> {
  const isRunning = () =>
    readdirSync('/proc').some((name) => /^\d+$/.test(name) && hasMark(name, mark) && commandOf(name) === program)
  while (!isRunning() && child.exitCode === null && child.signalCode === null) await sleep(50)
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

/** Waits until no process is left, or five seconds are over. */
async function settled(pid: number, folder: string, mark: string): Promise<Leftovers> {
  for (let tries = 0; ; tries += 1) {
    const left = leftovers(pid, folder, mark)
    if (left.processes.length === 0 || tries === 50) return left
    await sleep(100)
  }
}

function leftovers(pid: number, folder: string, mark: string): Leftovers {
  const namespaces = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : []
  return {
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name) && hasMark(name, mark)),
    folders: readdirSync(folder).filter((name) => name.startsWith('batchconn-')),
    namespaces: namespaces.filter((name) => name.startsWith(`bcp${pid}-`)),
  }
}

/** Returns whether a process was started by the command; children inherit its environment. */
function hasMark(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)
  } catch {
    return false
  }
}

/** Names of the folders and namespaces that a process made. */
function isOf(pid: number): (name: string) => boolean {
  return (name) => name.includes(`-${pid}-`) || name.startsWith(`bcp${pid}-`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const NAMESPACES = '/var/run/netns'
let marks = 0
