import { spawnSync } from 'node:child_process'

/** Version printed by a node executable. @throws Error if it does not run */
export function versionOf(node: string): string {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${node} does not run: is it a node?`)
  return stdout.trim()
}
