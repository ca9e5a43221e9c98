import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runnable } from '../differential/program.js'

/** Result of a program whose packages imported a module in place of `dgram`. */
export interface JobEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Packages that imported `dgram`. */
  readonly importers: readonly string[]
}

/** Runs a program with a module in place of `dgram`: node:dgram itself, or the drop-in. */
export async function runJob(program: string, module: 'node:dgram' | 'the drop-in'): Promise<JobEnd> {
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-job-'))
  const environment = {
    ...process.env,
    DGRAM_MODULE: module === 'node:dgram' ? module : runnable(DROP_IN),
    DGRAM_IMPORTERS: join(folder, 'importers.json'),
  }
  const command = [process.execPath, '--require', join(__dirname, 'redirect.cjs'), program]
  // tap adds a loader to NODE_OPTIONS.
  const child = spawn('env', ['--unset=NODE_OPTIONS', ...command], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const importers = code === null ? [] : JSON.parse(readFileSync(environment.DGRAM_IMPORTERS, 'utf8'))
  rmSync(folder, { recursive: true })
  return { code, ...output, importers }
}

/** Source file of the drop-in. */
export const DROP_IN = join(__dirname, '../../../src/dgram/index.ts')

const ROOT = join(__dirname, '../../..')
