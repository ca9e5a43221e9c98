import t from 'tap'
import { compareDocuments, comparisonText, parseDocument } from '../../../bench/profile/compare.js'
import { documentText, type ProfileDocument, profileDocument } from '../../../bench/profile/report/document.js'
import { fakeRun } from './support/fake-run.js'

t.test('two runs of the same machine: no significant difference', async (t) => {
  const [one, other] = (await Promise.all([fakeRun(1), fakeRun(2)])).map(profileDocument)
  const { verdicts, comparisons, unmatched } = compareDocuments(one, other)
  t.equal(comparisons, verdicts.length)
  t.ok(comparisons > 60)
  t.strictSame(unmatched, [])
  const found = verdicts.filter(({ verdict }) => verdict !== 'not significant')
  t.ok(found.length <= 1, `${found.length} of ${comparisons}: ${found.map(({ id }) => id).join('; ')}`)
})

t.test('faster, slower, not significant', async (t) => {
  const interval = (estimate: number) => ({ estimate, low: estimate - 2, high: estimate + 2, standardError: 1 })
  const document = (whole: number, crossing: number, missing: string): ProfileDocument =>
    ({
      machine: { kernel: missing },
      target: { name: 'sink' },
      subject: { sizeBytes: 1400 },
      reliability: { isReliable: missing !== 'b', failures: ['it was noisy'] },
      breakdowns: [],
      lines: [{ name: 'sendmmsg', a: interval(whole), b: interval(100) }],
      encoders: [{ name: missing, points: [{ batch: 64, alone: interval(5) }] }],
      crossings: [{ by: 'koffi', function: 'sendmsg', nanoseconds: interval(crossing) }],
    }) as unknown as ProfileDocument
  const comparison = compareDocuments(document(1000, 50, 'a'), document(1100, 40, 'b'))
  t.strictSame(
    comparison.verdicts.map(({ id, verdict }) => [id, verdict]),
    [
      ['line sendmmsg: a, per call', 'slower'],
      ['line sendmmsg: b, per message', 'not significant'],
      ['crossing koffi as sendmsg', 'faster'],
    ],
  )
  const [slower] = comparison.verdicts
  t.equal(slower.difference.estimate, 100)
  t.ok(slower.difference.low < 100 && slower.difference.low > 90)
  t.strictSame(comparison.unmatched, ['encoder a, batch of 64', 'encoder b, batch of 64'])
  t.match(comparison.warnings.join('\n'), /kernel: a before, b after/)
  t.match(comparison.warnings.join('\n'), /the run after is not reliable: it was noisy/)
  const text = comparisonText(comparison)
  t.ok(text.indexOf('slower') < text.indexOf('not significant'))
})

t.test('a document survives being written and read', async (t) => {
  const document = profileDocument(await fakeRun(3, 8))
  const text = documentText(document)
  t.strictSame(parseDocument('x.json', text), JSON.parse(JSON.stringify(document)))
  for (const key of ['breakdowns', 'encoders', 'lines', 'crossChecks', 'answer']) t.ok(key in document, key)
  t.equal(
    document.samples.length,
    document.samples.filter(({ marks, rounds }) => marks.length === rounds.length).length,
  )
})

t.test('a text that is not a profile', async (t) => {
  t.throws(() => parseDocument('x.json', '{'), { message: 'x.json is not JSON' })
  t.throws(() => parseDocument('x.json', 'null'), { message: /x.json is not a profile/ })
  t.throws(() => parseDocument('x.json', '{"kind":"batchconn-profile","schemaVersion":99}'), { message: /version 99/ })
})
