import t from 'tap'
import { answerInWords } from '../../../bench/profile/analysis/answer.js'
import type { Breakdown } from '../../../bench/profile/analysis/breakdown.js'
import { profileDocument } from '../../../bench/profile/report/document.js'
import { profileReport } from '../../../bench/profile/report/report.js'
import { reportHtml, reportText } from '../../../bench/report/report.js'
import { FakeMachine, TRUTH } from './support/fake-machine.js'
import { fakeRun, SUBJECT } from './support/fake-run.js'

t.test('the components of a machine with known costs are found, and add up', async (t) => {
  const { figures } = await fakeRun(3, 40)
  t.equal(figures.breakdowns.length, 6)
  const expected = (one: Breakdown, batch: number): Record<string, number> => ({
    loop: TRUTH.loop,
    marshalling: TRUTH.marshalling,
    bookkeeping: TRUTH.bookkeeping / batch,
    crossing: TRUTH.crossing / batch,
    entry: TRUTH.entry / batch,
    import: TRUTH.import,
    route: TRUTH.route,
    device: TRUTH.device,
    dequeue: TRUTH.dequeue,
    payload: TRUTH.payload,
    copy: TRUTH.copyPerByte * 1400,
    total: one.sum.estimate,
  })
  for (const breakdown of figures.breakdowns) {
    const truth = expected(breakdown, breakdown.batch)
    const name = `${breakdown.mode} ${breakdown.connected ? 'connected' : 'unconnected'}`
    for (const { name: component, nanoseconds } of breakdown.components) {
      // Three times the interval: with so many components, some are outside their own by chance.
      const reach = 1.5 * (nanoseconds.high - nanoseconds.low) + 0.05
      t.ok(
        Math.abs(nanoseconds.estimate - truth[component]) <= reach,
        `${name}: ${component} ${nanoseconds.estimate} ~ ${truth[component]}`,
      )
    }
    t.ok(Math.abs(breakdown.sum.estimate / breakdown.whole.estimate - 1) < 0.03, `${name} adds up`)
    t.equal(
      breakdown.components.some(({ name: component }) => component === 'route'),
      breakdown.mode.startsWith('send') && !breakdown.connected,
    )
  }
})

t.test('a component that is really zero is shown as not significant, a real one is not', async (t) => {
  const machine = new FakeMachine(5, { free: ['route', 'bookkeeping'] })
  const { figures } = await fakeRun(5, 40, machine)
  const [sendmsg] = figures.breakdowns
  const found = Object.fromEntries(sendmsg.components.map(({ name, includesZero }) => [name, includesZero]))
  t.match(found, { route: true, bookkeeping: true, device: false, import: false, entry: false })
})

t.test(
  'a case that could not be measured: its breakdown is missing, with the reason, and the rest is reported',
  async (t) => {
    const machine = new FakeMachine(1, {
      unable: ({ work }) =>
        work.kind === 'call' && work.mode.startsWith('recv') && work.sizeBytes === 700
          ? 'the receive buffer is too small'
          : undefined,
    })
    const run = await fakeRun(1, 8, machine)
    t.strictSame(
      run.figures.breakdowns.map(({ mode }) => mode),
      ['sendmsg', 'sendmsg', 'sendmmsg', 'sendmmsg'],
    )
    t.match(run.figures.missing, [
      { id: 'the cost breakdown of recvmsg', reason: /^nothing was measured of receive\/recvmsg\/kernel\/1\/700$/ },
      { id: 'the cost breakdown of recvmmsg' },
    ])
    const document = profileDocument(run)
    t.match(document.reliability.warnings.join('\n'), /without the cost breakdown of recvmmsg/)
    t.match(
      reportText(profileReport(document)),
      /Not measured here\n +receive\/recvmsg\/kernel\/1\/700#1: the receive buffer is too small/,
    )
    t.match(await reportHtml(profileReport(document)), /the receive buffer is too small/)
  },
)

t.test('without any send there is still a report', async (t) => {
  const machine = new FakeMachine(1, {
    unable: ({ work }) => (work.kind === 'call' && work.mode.startsWith('send') ? 'no route' : undefined),
  })
  const run = await fakeRun(1, 6, machine)
  t.strictSame(answerInWords(run.figures, SUBJECT).length, 1)
  const document = profileDocument(run)
  t.match(document.reliability, { isReliable: false })
  t.match(reportText(profileReport(document)), /NOT RELIABLE/)
  t.match(await reportHtml(profileReport(document)), /This result is not reliable/)
})
