import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { profileDocument } from '../../../bench/profile/report/document.js'
import { htmlReport } from '../../../bench/profile/report/html.js'
import { fakeRun } from './support/fake-run.js'

t.setTimeout(120_000)

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)
const run = promisify(execFile)

t.test('the report needs nothing from elsewhere', async (t) => {
  const html = await htmlReport(profileDocument(await fakeRun(1, 8)))
  const addresses = html.match(/\b(?:https?:)?\/\/[^\s"'<>)]+/g) ?? []
  // Names of XML vocabularies are no addresses to fetch from.
  t.strictSame(
    [...new Set(addresses)].filter((one) => !one.includes('www.w3.org')),
    [],
  )
  t.notMatch(html, /<script|<link|@import|url\(/)
  t.notMatch(html, /NaN|undefined/)
  for (const id of ['breakdown', 'lines-send', 'lines-gso', 'lines-receive', 'throughput', 'encoders']) {
    t.ok(html.includes(`<figure id="${id}">`), id)
  }
  t.match(html, /prefers-color-scheme: dark/)
  t.match(html, /<tr><td>measured directly<\/td><td>[\d,.]+<\/td><td>\[[\d,.]+, [\d,.]+\]<\/td>/)
  t.match(html, /<tr><td>sendmmsg<\/td>(<td>[\d,.-]+<\/td><td>\[[\d,.-]+, [\d,.-]+\]<\/td>){2}<td>[\d.]+ %/)
  t.match(html, /<details>/)
})

const skip = chromium === undefined && 'there is no Chromium on this host'

t.test('in a browser no text is cut and none lies over another', { skip }, async (t) => {
  const folder = t.testdir()
  const html = await htmlReport(profileDocument(await fakeRun(1, 20)))
  for (const scheme of ['light', 'dark']) {
    const page = join(folder, `${scheme}.html`)
    writeFileSync(page, html.replace('</main>', `</main><script>${inspect.toString()};inspect()</script>`))
    const dark = scheme === 'dark' ? ['--force-dark-mode', '--blink-settings=preferredColorScheme=0'] : []
    const words = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--window-size=1000,4000',
      ...dark,
    ]
    const profile = `--user-data-dir=${join(folder, `browser-${scheme}`)}`
    const picture = join(folder, `${scheme}.png`)
    await run(chromium as string, [...words, profile, `--screenshot=${picture}`, `file://${page}`])
    const { length } = readFileSync(picture)
    t.ok(length > 50_000, `${scheme}: a picture of ${length} bytes`)
    const { stdout } = await run(chromium as string, [...words, profile, '--dump-dom', `file://${page}`], {
      maxBuffer: 2 ** 26,
    })
    const found = /data-found="([^"]*)"/.exec(stdout)?.[1]
    t.strictSame(JSON.parse((found ?? 'null').replaceAll('&quot;', '"').replaceAll('&amp;', '&')), [], scheme)
  }
})

/** Runs in the page: finds text that another text lies over, or that sticks out of its picture. */
function inspect(): void {
  type Box = { left: number; right: number; top: number; bottom: number }
  type Shape = {
    getBoundingClientRect(): Box
    textContent: string | null
    querySelectorAll(what: string): Iterable<Shape>
  }
  const page = (globalThis as unknown as { document: Shape & { body: { dataset: Record<string, string> } } }).document
  const found: string[] = []
  for (const svg of page.querySelectorAll('figure > svg')) {
    const frame = svg.getBoundingClientRect()
    const texts = [...svg.querySelectorAll('text')]
      .filter(({ textContent }) => textContent?.trim())
      .map((one) => ({ text: one.textContent?.trim() ?? '', box: one.getBoundingClientRect() }))
    for (const [index, { text, box }] of texts.entries()) {
      if (
        box.left < frame.left - 1 ||
        box.right > frame.right + 1 ||
        box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1
      ) {
        found.push(`cut: ${text}`)
      }
      for (const other of texts.slice(index + 1)) {
        const width = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left)
        const height = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top)
        if (width > 1 && height > 3) found.push(`${text} lies over ${other.text}`)
      }
    }
  }
  page.body.dataset.found = JSON.stringify(found)
}
