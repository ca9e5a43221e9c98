import { spawnSync } from 'node:child_process'

/** Version of a node, as it prints it. @throws Error if it does not run */
export function versionOf(node: string): string {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${node} does not run: is it a node?`)
  return stdout.trim()
}
