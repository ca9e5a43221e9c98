import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildKernelView } from '../test/support/kernel-view/kernel-view.js'

/**
 * Runs tests with the memory of every send and receive checked (test/support/kernel-view/kernel-view.ts). Arguments go to
 * tap; the default is test/kernel and test/regressions. A violation aborts its process, unless
 * BATCHCONN_KERNEL_VIEW_CONTINUE=1.
 *
 * Exit status 0 if the tests passed, at least one call was checked, and none was a violation.
 */
async function main(args: readonly string[]): Promise<number> {
  const view = buildKernelView()
  if (typeof view === 'string') {
    console.error(`kernel view: ${view}`)
    return 1
  }
  const tests = args.length > 0 ? args : FOLDERS.filter((folder) => existsSync(join(ROOT, folder)))
  const run = spawn(join(ROOT, 'node_modules', '.bin', 'tap'), tests, {
    cwd: ROOT,
    env: view.environment(process.env),
    stdio: 'inherit',
  })
  const [status] = await once(run, 'close')

  const { calls, messages, violations, ranges } = view.totals()
  for (const line of view.violations()) console.log(line)
  console.log(
    `kernel view: ${calls} calls with ${messages} message headers checked against ${ranges} ranges, ` +
      `${violations} violations`,
  )
  if (calls === 0) console.error('kernel view: no call was checked: the tests sent or received nothing through Koffi')
  return status === 0 && calls > 0 && violations === 0 ? 0 : 1
}

const ROOT = dirname(__dirname)

const FOLDERS = ['test/kernel', 'test/regressions']

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
