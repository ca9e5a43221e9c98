import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { dropInReport, type FigureSummary } from '../../bench/drop-in/measure.js'
import { latencyReport, QUANTILES } from '../../bench/latency/measure.js'
import { parseDropInOptions } from '../../bench/options/local-options.js'
import { parseLatencyOptions } from '../../bench/options/throughput-options.js'
import { profileDocument } from '../../bench/profile/report/document.js'
import { profileReport } from '../../bench/profile/report/report.js'
import { type Report, reportHtml } from '../../bench/report/report.js'
import { Histogram } from '../../bench/stats/histogram.js'
import { throughputReport } from '../../bench/throughput/command.js'
import { fakeRun } from '../bench/profile/support/fake-run.js'
import { knownRun } from '../bench/throughput/known-run.js'
import { Browser, CHROMIUM } from '../support/browser.js'

t.setTimeout(120_000)

const DATA = { text: '</pre> & "quotes"' }

const PAGES: Readonly<Record<string, { make: () => Promise<string>; charts: readonly string[] }>> = {
  profile: {
    make: async () => reportHtml(profileReport(profileDocument(await fakeRun(1, 20)))),
    charts: ['breakdown', 'lines-send', 'lines-gso', 'lines-receive', 'encoders'],
  },
  send: {
    make: () => page(throughputReport(knownRun({ rounds: 7 }))),
    charts: ['rates', 'delivered', 'breakdown'],
  },
  compare: {
    make: () => page(throughputReport(knownRun({ rounds: 7, command: 'compare', cpuShare: 0.5 }))),
    charts: ['rates', 'delivered', 'ratios', 'breakdown'],
  },
  'drop-in': { make: () => page(dropIn()), charts: ['figure-1', 'figure-2'] },
  latency: { make: () => page(latency(100_000)), charts: ['latency'] },
  'latency of a short run': { make: () => page(latency(6000)), charts: ['latency'] },
}

function page(report: Report): Promise<string> {
  return reportHtml({ ...report, document: DATA })
}

function dropIn(): Report {
  const row = (figure: string, candidate: FigureSummary['candidate'], median: number): FigureSummary => {
    const value = { median, low: median * 0.9, high: median * 1.2, confidence: 0.95 }
    const ratio = { median: 0.5, low: 0.4, high: 0.6, confidence: 0.95 }
    return { measure: 'send', figure, candidate, rounds: [median, null, median * 1.3], value, ratio }
  }
  const figures = ['ns per datagram', 'resident bytes per datagram'].flatMap((figure, index) =>
    (['dgram', 'batchconn-dgram, no GSO', 'batchconn-dgram'] as const).map((candidate, at) =>
      row(figure, candidate, (1 + 4 * at) * 10 ** (index + 2)),
    ),
  )
  return dropInReport(parseDropInOptions([]), figures, 'interrupted by SIGINT')
}

function latency(replies: number): Report {
  const shares = [0.5, 0.9, 0.99, 0.999, 0.9999]
  const summary = (['sendmsg', 'dgram'] as const).map((mode, index) => {
    const histogram = new Histogram(
      shares.map((share, at) => [12_000 * (index + 1) * 2 ** at, Math.ceil(replies * (1 - share))]),
    )
    return {
      ...{ mode, seconds: 5, due: 61_111, sent: 61_111, replies: 61_110, lost: 1 },
      nanoseconds: Object.fromEntries(Object.entries(QUANTILES).map(([name, at]) => [name, histogram.quantile(at)])),
      histogram: histogram.buckets(),
    }
  })
  const { session } = knownRun()
  const receiver = { mode: 'recvmmsg', batch: 64, gro: true, receiveBufferBytes: 2 ** 20 }
  const plan = parseLatencyOptions([])
  const records = summary.map((row) => ({ round: 1, ...row }))
  return latencyReport({ plan, session, receiver, records, summary, rounds: 5, error: undefined })
}

for (const [name, { make, charts }] of Object.entries(PAGES)) {
  t.test(`the page of ${name} needs nothing from elsewhere and contains its data`, async (t) => {
    const html = await make()
    const addresses = html.match(/\b(?:https?:)?\/\/[^\s"'<>)]+/g) ?? []
    // Names of XML vocabularies are no addresses to fetch from.
    t.strictSame(
      addresses.filter((one) => !one.includes('www.w3.org')),
      [],
    )
    t.notOk(/<script|<link|@import|url\(/.test(html))
    t.strictSame(html.match(/.*(NaN|undefined).*/g), null)
    for (const id of charts) t.ok(html.includes(`<figure id="${id}">`), id)
    const [, data = ''] = /<pre id="data">([^<]*)<\/pre>/.exec(html) ?? []
    const plain = data
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&')
    t.match(JSON.parse(plain), name === 'profile' ? { kind: 'batchconn-profile', samples: Array } : DATA)
  })
}

t.test('the tables of the profile', async (t) => {
  const html = await PAGES.profile.make()
  t.match(html, /<tr><td>measured directly<\/td><td>[\d,.]+<\/td><td>\[[\d,.]+, [\d,.]+\]<\/td>/)
  t.match(html, /<tr><td>sendmmsg<\/td>(<td>[\d,.-]+<\/td><td>\[[\d,.-]+, [\d,.-]+\]<\/td>){2}<td>[\d.]+ %/)
})

const skip = CHROMIUM === undefined && 'there is no Chromium on this host'

t.test('in a browser, on a desktop and on a phone, everything can be read', { skip }, async (t) => {
  const folder = t.testdir()
  // To look at them: the name of a folder.
  const pictures = process.env.BATCHCONN_TEST_PICTURES
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true })
  await using browser = new Browser()
  const script = readFileSync(join(__dirname, 'inspect-page.js'), 'utf8')
  for (const [name, { make, charts }] of Object.entries(PAGES)) {
    const page = join(folder, `${name}.html`)
    writeFileSync(page, await make())
    for (const screen of [
      { width: 1000, height: 800, dark: false },
      { width: 390, height: 844, dark: false },
      { width: 390, height: 844, dark: true },
    ]) {
      const title = `${name}-${screen.width}-${screen.dark ? 'dark' : 'light'}`
      type Seen = { faults: string[]; charts: Record<string, number>; height: number; ink: number; paper: number }
      const { value, picture } = await browser.show<Seen>(pathToFileURL(page).href, screen, script)
      t.strictSame(value.faults, [], title)
      t.strictSame(Object.keys(value.charts), charts, title)
      for (const id of charts) t.ok(value.charts[id] >= 4, `${title}: ${id} has ${value.charts[id]} visible marks`)
      t.ok(screen.dark ? value.ink - value.paper > 150 : value.paper - value.ink > 150, `${title}: text has contrast`)
      t.strictSame([picture.readUInt32BE(16), picture.length > 10_000], [screen.width, true], `${title}: a picture`)
      if (pictures !== undefined) writeFileSync(join(pictures, `${title}.png`), picture)
    }
  }
})
