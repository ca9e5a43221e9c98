import t from 'tap'
import { childJson } from '../support/child.js'

// A process without a free descriptor (EMFILE): a clear error, no resource lost, and everything works afterwards.

const wrapper = ['sh', '-c', 'ulimit -n 128 && exec "$@"', 'sh']
const outcome = (scenario: string) => childJson<object>('faults-out-of-descriptors', { args: [scenario], wrapper })

t.test('open fails with EMFILE, open sockets keep working, and each freed descriptor can be used', async (t) => {
  t.strictSame(await outcome('open'), {
    errors: ['EMFILE socket'],
    adopted: 'EBADF getsockopt',
    texts: ['still here'],
    opened: 50,
  })
})

t.test('the first wait of a thread fails with EMFILE, and the next one works', async (t) => {
  t.strictSame(await outcome('wait'), {
    readable: 'EMFILE epoll_create1',
    listening: 'EMFILE epoll_create1',
    texts: ['later'],
  })
})

t.test('probe reports each feature as unavailable, with the reason', async (t) => {
  const report = (await outcome('probe')) as {
    available: number
    details: string[]
    maxSegments: number
    after: boolean
  }
  t.match(report, { available: 0, maxSegments: 0, after: true })
  t.ok(
    report.details.every((detail) => /EMFILE|too many open files/.test(detail)),
    `${report.details}`,
  )
})

t.test('the drop-in fails to bind as node:dgram does, and binds afterwards', async (t) => {
  const { own, node, after } = (await outcome('drop-in')) as Record<string, string>
  t.match(node, /EMFILE/)
  t.equal(own, node)
  t.equal(after, 'listening')
})
