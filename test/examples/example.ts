import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

const ROOT = join(__dirname, '..', '..')

/** A running example. */
export interface Example {
  readonly child: ChildProcess
  /** The next line it prints. */
  line(): Promise<string>
  /** Writes to its standard input. */
  write(text: string): void
  /** Resolves when it has ended, with its exit status and what it wrote to its standard error. */
  end(): Promise<{ code: number | null; stderr: string }>
}

/** Starts an example as a reader does, without a compiler run of its own. */
export function start(t: Test, name: string, args: readonly (string | number)[]): Example {
  // ts-node uses the constructor of fs.Stats, of which Node 22 and later warn.
  const node = [process.execPath, '--disable-warning=DEP0180', '--require', 'ts-node/register']
  const program = [...node, join('examples', name), ...args.map(String)]
  // tap puts loaders of its own into NODE_OPTIONS, which ts-node does not get along with.
  const child = spawn('env', ['--unset=NODE_OPTIONS', ...program], { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    line: async () => {
      const { done, value } = await lines.next()
      if (done) throw new Error(`${name} printed no more: ${stderr}`)
      return value
    },
    write: (text) => {
      child.stdin.write(text)
    },
    end: async () => {
      const [code] = await closed
      return { code, stderr }
    },
  }
}

/** Returns the port at the end of a line. */
export function portIn(line: string): number {
  return Number(/:(\d+)$/.exec(line)?.[1])
}

/** Returns a bound socket of node:dgram. */
export async function client(t: Test, address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  t.teardown(() => socket.close())
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** The next `count` datagrams, all of which come from `port`. */
export function collect(socket: Socket, count: number, port: number): Promise<Buffer[]> {
  const received: Buffer[] = []
  return new Promise((resolve, reject) => {
    const onMessage = (bytes: Buffer, info: RemoteInfo) => {
      if (info.port !== port) reject(new Error(`a datagram came from port ${info.port}`))
      received.push(bytes)
      if (received.length < count) return
      socket.off('message', onMessage)
      resolve(received)
    }
    socket.on('message', onMessage)
  })
}

/** Returns true if both contain the same bytes in the same order. */
export function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  return some.length === others.length && some.every((bytes, index) => bytes.equals(others[index]))
}
