import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PeerName } from './plan.js'

/** A compiled program of bench/peers, or why it could not be compiled. */
export type BuiltPeer = { readonly program: string; readonly longOption: '--' | '-' } | { readonly reason: string }

/** Compiles a program of bench/peers into a folder. */
export async function buildPeer(name: PeerName, folder: string, signal: AbortSignal): Promise<BuiltPeer> {
  const program = join(folder, `udp-send-${name}`)
  try {
    if (name === 'c') {
      await run('cc', ['-O2', '-o', program, join(PEERS, 'c', 'udp-send.c')], { signal })
      return { program, longOption: '--' }
    }
    // golang.org/x/net from Debian's packages.
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'go-cache') }
    await run('go', ['build', '-o', program, '.'], { cwd: join(PEERS, 'go'), env, signal })
    return { program, longOption: '-' }
  } catch (error) {
    signal.throwIfAborted()
    return { reason: reasonOf(name, error) }
  }
}

function reasonOf(name: PeerName, error: unknown): string {
  const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return `no ${name === 'c' ? 'C compiler (cc)' : 'Go (go)'} on this host`
  const [complaint = ''] = stderr.trim().split('\n').slice(-1)
  return `it does not compile here${complaint === '' ? '' : `: ${complaint}`}`
}

const PEERS = join(__dirname, '../peers')
const run = promisify(execFile)
