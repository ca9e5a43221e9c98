import t from 'tap'
import { answerInWords } from '../../../bench/profile/analysis/answer.js'
import { checkReliability, noiseOf, outlierFlags } from '../../../bench/profile/analysis/reliability.js'
import { groupOfSymbol, parseCounts, parseSymbols, sharesByGroup } from '../../../bench/profile/checks/cross-check.js'
import { nanoseconds } from '../../../bench/profile/report/charts.js'
import { profileDocument } from '../../../bench/profile/report/document.js'
import { profileReport } from '../../../bench/profile/report/report.js'
import { reportText } from '../../../bench/report/report.js'
import { fakeRun, SUBJECT } from './support/fake-run.js'

t.test('the terminal shows every section', async (t) => {
  const run = await fakeRun(1, 12)
  const text = reportText(profileReport(profileDocument(run)))
  for (const part of ['FFI crossing', 'measured directly', 'T(n) = a + b n', 'Preparing messages', 'Cross-checks']) {
    t.ok(text.includes(part), part)
  }
  t.ok(text.includes('What limits sendmmsg'))
  t.notMatch(text, /NaN|undefined/)
  for (const sentence of answerInWords(run.figures, SUBJECT)) t.ok(text.includes(sentence))
})

t.test('the answer names the ceiling', async (t) => {
  const { figures } = await fakeRun(2, 30)
  const answer = answerInWords(figures, SUBJECT).join('\n')
  t.match(answer, /no batch size gains more than [\d.]+ %/)
  t.match(answer, /socket buffer, IP, device/)
  t.strictSame(answerInWords({ ...figures, breakdowns: [] }, SUBJECT).length, 1)
})

t.test('numbers have the digits they deserve', async (t) => {
  t.equal(nanoseconds(1234.56), '1,235')
  t.equal(nanoseconds(9.94), '9.9')
  t.equal(nanoseconds(9.96), '10')
  t.equal(nanoseconds(-0.01), '0.0')
})

t.test('when a result is not reliable', async (t) => {
  const fake = await fakeRun(1, 12)
  const plan = { ...fake.plan, precision: 0.5, cpu: 0 }
  const { figures } = fake
  const run = { ...fake, plan, crossChecks: [] }
  const noise = noiseOf(fake.measured)
  t.strictSame(checkReliability(run, noise), { isReliable: true, failures: [], warnings: [] })
  t.match(checkReliability({ ...run, plan: { ...plan, precision: 1e-6 } }, noise).failures, [
    /known to .* is required.*stop other programs.*--budget/,
  ])
  t.match(checkReliability({ ...run, measured: { rounds: 2 } }, noise).failures, [/only 2 rounds.*--budget/])
  const nothing = { ...figures, breakdowns: [] }
  t.match(checkReliability({ ...run, figures: nothing }, noise).failures, [/no cost breakdown/])
  const miscount = { name: 'calls', by: 'strace -c', verdict: 'disagrees', text: 'one more' } as const
  t.match(checkReliability({ ...run, crossChecks: [miscount] }, noise).failures, ['calls: one more'])
  const noisy = { ...noise, interrupted: noise.samples, drift: 0.5, shortSamples: 3 }
  const { warnings } = checkReliability({ ...run, plan: { ...plan, cpu: undefined } }, noisy)
  t.match(warnings, [/lack messages/, /interrupted by other programs.*--cpu/, /speed varied/])
  const [breakdown] = figures.breakdowns
  const off = { ...breakdown, addsUp: false, sum: { ...breakdown.sum, estimate: breakdown.whole.estimate * 1.2 } }
  const bad = { ...figures, breakdowns: [off] }
  t.match(checkReliability({ ...run, figures: bad }, noise).failures, [/add up to \d+ ns, the direct measurement is/])
})

t.test('outliers are counted and kept', async (t) => {
  const { measured } = await fakeRun(1, 20)
  const [series] = measured.series
  const far = { ...series.samples[0], nanoseconds: 1e9 }
  const spoilt = { ...series, samples: [...series.samples, far] }
  t.equal(outlierFlags(spoilt).at(-1), true)
  t.equal(noiseOf({ series: [spoilt], rounds: 20 }).samples, spoilt.samples.length)
})

t.test("strace's table", async (t) => {
  const table = [
    '% time     seconds  usecs/call     calls    errors syscall',
    '------ ----------- ----------- --------- --------- ----------------',
    ' 99.10    0.012345          12      1000           sendmmsg',
    '  0.90    0.000100           1         7         2 sendmsg',
    '------ ----------- ----------- --------- --------- ----------------',
    '100.00    0.012445          12      1007         2 total',
  ].join('\n')
  t.strictSame(
    [...parseCounts(table)],
    [
      ['sendmmsg', 1000],
      ['sendmsg', 7],
    ],
  )
})

t.test("perf's symbols", async (t) => {
  const report = [
    '    20.00%  [kernel.kallsyms]    [k] udp_sendmsg',
    '    10.00%  [kernel.kallsyms]    [k] fib_table_lookup',
    '    30.00%  [kernel.kallsyms]    [k] __dev_queue_xmit',
    '     5.00%  [kernel.kallsyms]    [k] _copy_from_iter',
    '     5.00%  [kernel.kallsyms]    [k] __bpf_prog_enter_recur',
    '    10.00%  [kernel.kallsyms]    [k] no_such_function',
    '    20.00%  node                 [.] 0x0000000000c0ffee',
  ].join('\n')
  const found = sharesByGroup(parseSymbols(report))
  const rounded = Object.fromEntries(Object.entries(found).map(([name, share]) => [name, Number(share.toFixed(3))]))
  t.strictSame(rounded, {
    user: 0.2,
    entry: 0,
    import: 0.2,
    route: 0.1,
    device: 0.3,
    copy: 0.05,
    tracing: 0.05,
    unknown: 0.1,
  })
  t.equal(groupOfSymbol('dev_hard_start_xmit'), 'device')
  t.equal(groupOfSymbol('_copy_from_user'), 'import')
  t.equal(groupOfSymbol('entry_SYSCALL_64'), 'entry')
})
