import { join } from 'node:path'
import t from 'tap'
import { type ChildResult, childJson, runChild } from '../support/child.js'
import { compiledPackage } from '../support/compiled.js'

// batchconn/register in its own processes, because it replaces exports of a module of Node.

const REGISTER = join(compiledPackage(), 'src/dgram/register.js')

/** Starts node with register preloaded by NODE_OPTIONS, which workers and children inherit. */
const REGISTERED = {
  wrapper: ['env', `NODE_OPTIONS=--require ${REGISTER} ${process.env.BATCHCONN_CHILD_NODE_OPTIONS ?? ''}`],
}

const FORMS = [
  "require('dgram')",
  "require('node:dgram')",
  'getBuiltinModule',
  'import default',
  'import named',
  'import namespace',
  'import()',
]

/** Expected state of each form of import, by createSocket and by Socket. */
function all(state: string): Record<string, string> {
  return Object.fromEntries(FORMS.flatMap((form) => [form, `${form} Socket`]).map((form) => [form, state]))
}

/** The lines that register logged. */
function logOf({ stderr }: ChildResult): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('BATCHCONN'))
}

t.test('every form of import creates batching sockets, in worker threads and child processes too', async (t) => {
  const states = await childJson('register-forms', REGISTERED)
  t.strictSame(states, { here: all('on'), worker: all('on'), child: all('on') })
})

t.test('NODE_DEBUG=batchconn: register reports once what it did', async (t) => {
  const end = await runChild('register-forms', { ...debugging(), args: ['alone'] })
  t.equal(end.code, 0, end.stderr)
  t.strictSame(JSON.parse(end.stdout), all('on'))
  const log = logOf(end)
  t.equal(log.length, 1, end.stderr)
  t.match(log[0], /register: node:dgram creates batching sockets; batching is on: /)
})

t.test('BATCHCONN_REGISTER=off leaves node:dgram as it is', async (t) => {
  const end = await runChild('register-forms', { ...debugging('BATCHCONN_REGISTER=off'), args: ['alone'] })
  t.equal(end.code, 0, end.stderr)
  t.strictSame(JSON.parse(end.stdout), all('node:dgram'))
  const log = logOf(end)
  t.equal(log.length, 1, end.stderr)
  t.match(log[0], /register: BATCHCONN_REGISTER is off; node:dgram is unchanged/)
})

t.test('register can be preloaded by --import', async (t) => {
  t.strictSame(await childJson('register-forms', { flags: ['--import', REGISTER], args: ['alone'] }), all('on'))
})

t.test('a socket that child.send sends to a registered process batches there', async (t) => {
  const { received, answer } = await childJson<Record<string, unknown>>('register-sent-socket', REGISTERED)
  t.match(received, { isSocket: true, batching: { available: true }, message: 'question' })
  t.equal(answer, 'answer')
})

t.test('two copies of the package do not wrap each other, and unregister restores what was there', async (t) => {
  const batching = { layers: 1, batching: true, isSocket: true, isNodes: false }
  const unchanged = { layers: 0, batching: undefined, isSocket: true, isNodes: true }
  t.match(await childJson('register-copies'), {
    afterFirst: batching,
    afterSecond: batching,
    secondUndone: batching,
    firstUndone: unchanged,
    again: batching,
    last: unchanged,
  })
})

t.test('a tracer that wraps Socket.prototype.send sees the same calls with and without register', async (t) => {
  const run = (order: string) =>
    childJson<{ seen: string[]; batching?: boolean }>('register-wrappers', { args: ['tracer', order] })
  const { batching, ...plain } = await run('without register')
  t.equal(batching, undefined)
  // Node's send calls itself again when the socket is bound.
  t.strictSame(plain.seen, ['unbound', 'unbound', 'bound', 'no address', 'pie,ces', 'name', 'connected'])
  t.strictSame(await run('before register'), { ...plain, batching: true })
  t.strictSame(await run('after register'), { ...plain, batching: true })
})

t.test('stubs of createSocket and of the send of one socket replace and restore as with node:dgram', async (t) => {
  t.strictSame(await childJson('register-wrappers', { args: ['stub'] }), {
    isReplaceable: true,
    calls: [['udp4'], ['udp6'], ['udp4']],
    areFakes: true,
    batching: [true, true],
    sent: [['x', 9, '127.0.0.1']],
  })
})

function debugging(...variables: string[]): { wrapper: string[] } {
  return { wrapper: [...REGISTERED.wrapper, 'NODE_DEBUG=batchconn', ...variables] }
}
