import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bench } from './support.js'

t.test('every file of the folder is a command', async (t) => {
  const { status, stdout } = await bench('main', '--help')
  const listed = Array.from(stdout.matchAll(/^ {2}(\S+)/gm), ([, name]) => name)
  const files = readdirSync(join(__dirname, '../../bench')).filter((name) => name.endsWith('.ts'))
  t.strictSame([...listed, 'main'].sort(), files.map((name) => name.replace('.ts', '')).sort())
  t.equal(status, 0)
})

t.test('a command gets its words; another name is an error', async (t) => {
  t.match(await bench('main', 'probe --help'), { status: 0, stdout: /Usage: .*probe.*--interface/s })
  t.match(await bench('main', 'probe --json'), { status: 0, stdout: /"command": "probe"/ })
  t.match(await bench('main', 'sned'), {
    status: 2,
    stderr: /^batchconn-bench: 'sned' is not a command; see --help\n$/,
  })
  t.match(await bench('main', ''), { status: 2, stderr: /^batchconn-bench: '' is not a command; see --help\n$/ })
})
