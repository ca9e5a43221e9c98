import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A program in another language, with the options of bench/peers/README.md. */
export interface PeerSource {
  readonly name: string
  /** Builds it; what it throws says why it could not be. */
  build(folder: string, signal: AbortSignal): Promise<{ program: string; longOption: '--' | '-' }>
}

/** Plain C over the same calls. */
export const C_PEER: PeerSource = {
  name: 'c',
  async build(folder, signal) {
    const program = join(folder, 'udp-send')
    await run('cc', ['-O2', '-o', program, join(__dirname, 'c', 'udp-send.c')], { signal })
    return { program, longOption: '--' }
  },
}

/** Go with golang.org/x/net, from Debian's packages where there is no module of it. */
export const GO_PEER: PeerSource = {
  name: 'go',
  async build(folder, signal) {
    const program = join(folder, 'udp-send-go')
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'go-cache') }
    await run('go', ['build', '-o', program, '.'], { cwd: join(__dirname, 'go'), env, signal })
    return { program, longOption: '-' }
  },
}

/** Why a program could not be built, in a few words. */
export function whyNotBuilt(name: string, error: unknown): string {
  const { code, stderr } = error as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return `no ${name === 'c' ? 'C compiler (cc)' : 'Go (go)'} on this host`
  const [complaint = ''] = (stderr ?? '').trim().split('\n').slice(-1)
  return `it does not compile here${complaint === '' ? '' : `: ${complaint}`}`
}

const run = promisify(execFile)
