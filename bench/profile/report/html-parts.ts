import type { Chart } from './charts/chart.js'
import type { ProfileDocument, SampleRow } from './document.js'

/** Text as HTML shows it. */
export function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => ENTITIES[sign])
}

export function listHtml(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${text(item)}</li>`).join('\n')}\n</ul>`
}

/** A picture with its heading, its keys and what it says. */
export function figureHtml({ id, title, caption, keys, svg }: Chart): string {
  const legend = keys.map(({ label, color }) => `<li><span style="background:${color}"></span>${text(label)}</li>`)
  return `<h2>${text(title)}</h2>
${legend.length === 0 ? '' : `<ul class="keys">${legend.join('')}</ul>`}
<figure id="${id}">${svg}<figcaption>${text(caption)}</figcaption></figure>`
}

/** The samples behind everything, a row a case, folded away. */
export function samplesHtml({ samples }: ProfileDocument): string {
  const groups = new Map<string, SampleRow[]>()
  for (const row of samples) {
    const group = row.id.split('/', 2).join('/')
    groups.set(group, [...(groups.get(group) ?? []), row])
  }
  const explanation =
    'Nanoseconds of one operation, a column a block, in the order of measuring: i interrupted (counts by the time its ' +
    'thread was running), s short of messages (does not count), g with garbage collections, o an outlier.'
  const parts = [...groups].map(([group, rows]) => {
    const lines = rows.map(({ id, nanoseconds, marks }) => {
      const values = nanoseconds.map((value, index) => `${value}${marks[index] === '.' ? '' : marks[index]}`)
      return `<tr><td>${text(id)}</td><td style="text-align:left"><code>${values.join(' ')}</code></td></tr>`
    })
    return `<details><summary>${text(group)}</summary><div><table>${lines.join('\n')}</table></div></details>`
  })
  return `<p class="facts">${text(explanation)}</p>\n${parts.join('\n')}`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
