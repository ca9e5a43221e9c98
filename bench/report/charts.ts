import type { Estimate } from '../stats/interval.js'

type PlotOptions = import('@observablehq/plot').PlotOptions

export interface Canvas {
  readonly Plot: typeof import('@observablehq/plot')
  /** Draws a chart for wide screens and for phones, of which the style sheet shows one. @returns HTML */
  draw(options: PlotOptions): string
}

export interface Chart {
  readonly id: string
  readonly title: string
  /** What it shows, and how to read it. */
  readonly caption: string
  /** What the colours mean. */
  readonly keys: readonly { readonly label: string; readonly color: string }[]
  readonly svg: string
}

/** Opens a canvas. Plot draws into a DOM, which Node does not have; both are loaded here, because they load slowly. */
export async function openCanvas(): Promise<Canvas> {
  const Plot = await import('@observablehq/plot')
  const { JSDOM } = require('jsdom') as { JSDOM: new (html: string) => { window: { document: object } } }
  const { document } = new JSDOM('').window
  const style = { fontSize: '13px', fontFamily: 'inherit', overflow: 'visible' }
  const drawAt = (width: number, options: PlotOptions) =>
    Plot.plot({ document: document as never, width, marginBottom: 44, style, ...options }).outerHTML
  return {
    Plot,
    draw: (options) =>
      `<div class="wide">${drawAt(WIDE, options)}</div><div class="narrow">${drawAt(NARROW, options)}</div>`,
  }
}

/** A chart, its axis and its rows. */
interface Rows<Row> extends Omit<Chart, 'keys' | 'svg'> {
  /** Of the axis: the quantity and its unit. */
  readonly label: string
  readonly rows: readonly Row[]
}

interface IntervalRow {
  readonly name: string
  /** Null for a row that is left out. */
  readonly value: Omit<Estimate, 'confidence'> | null
  /** Single measurements, each shown as a point; null for one that was not possible. */
  readonly points?: readonly (number | null)[]
  /** What follows the number above the row. */
  readonly note?: string
}

interface IntervalChart extends Rows<IntervalRow> {
  readonly format: (value: number) => string
  readonly isLogarithmic?: boolean
  /** Marked by a dashed line. */
  readonly reference?: number
}

/** Draws figures below each other on one scale, which begins at 0 unless it is logarithmic. Without a row it draws nothing. */
export function intervalChart({ Plot, draw }: Canvas, chart: IntervalChart): Chart[] {
  const { label, format, isLogarithmic = false, reference, ...frame } = chart
  const rows = chart.rows.flatMap(({ name, value, points = [], note = '' }) =>
    value === null ? [] : [{ ...value, name, points, label: `${format(value.median)}${note}` }],
  )
  const points = rows.flatMap(({ name, points }) => points.map((x) => ({ name, x })))
  const x = isLogarithmic ? { type: 'log' as const, tickFormat: ',', ticks: 5 } : { zero: true, tickFormat: compact }
  const svg = () =>
    draw({
      ...layout(rows),
      x: { label, grid: true, nice: true, ...x },
      marks: [
        ...rowLabels(Plot, rows),
        ...(reference === undefined ? [] : [Plot.ruleX([reference], { strokeDasharray: '4,4' })]),
        Plot.dot(points, { x: 'x', y: 'name', r: 2, dy: 12, fill: 'currentColor', fillOpacity: 0.35 }),
        Plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'name', stroke: ACCENT, strokeWidth: 4 }),
        Plot.dot(rows, { x: 'median', y: 'name', r: 5, fill: ACCENT }),
      ],
    })
  return rows.length === 0 ? [] : [{ ...frame, keys: [], svg: svg() }]
}

interface StackRow {
  readonly name: string
  /** What is written above the row. */
  readonly label: string
  /** Each with its value in words; the difference of a pale one from 0 is not significant. */
  readonly parts: readonly Readonly<{ label: string; color: string; value: number; note: string; isPale?: boolean }>[]
  /** The sum measured directly. */
  readonly whole?: { readonly estimate: number; readonly low: number; readonly high: number }
}

/** Draws sums below each other as bars, each composed of its parts. */
export function stackChart({ Plot, draw }: Canvas, { label, rows, ...frame }: Rows<StackRow>): Chart {
  const wholes = rows.flatMap(({ name, whole }) => (whole === undefined ? [] : [{ name, ...whole }]))
  const used = new Map(rows.flatMap(({ parts }) => parts.map((part) => [part.label, part.color])))
  const bar = { y: 'name', insetTop: 20, insetBottom: 8 }
  const mark = { stroke: 'currentColor', strokeWidth: 2 }
  const svg = draw({
    ...layout(rows),
    x: { label, grid: true, nice: true },
    marks: [
      ...rowLabels(Plot, rows),
      Plot.barX(rows.flatMap(barsOf), {
        ...bar,
        x1: 'x1',
        x2: 'x2',
        fill: 'color',
        fillOpacity: 'opacity',
        title: 'title',
      }),
      Plot.tickX(wholes, { ...bar, ...mark, x: 'estimate' }),
      Plot.ruleY(wholes, { ...mark, x1: 'low', x2: 'high', y: 'name', dy: 6 }),
    ],
  })
  return { ...frame, keys: [...used].map(([label, color]) => ({ label, color })), svg }
}

function barsOf({ name, parts }: StackRow): object[] {
  let x2 = 0
  return parts.map(({ label, color, value, note, isPale = false }) => {
    const x1 = x2
    x2 += Math.max(0, value)
    return { name, x1, x2, color, title: `${name}: ${label}: ${note}`, opacity: isPale ? 0.35 : 1 }
  })
}

/** Of `points`, `value` is not exceeded by this share of the measurements. */
type Distribution = Readonly<{ name: string; points: readonly Readonly<{ share: number; value: number }>[] }>

/** Draws values over percentiles whose distance grows with the number of nines, as is usual for latencies. */
export function percentileChart({ Plot, draw }: Canvas, { label, rows, ...frame }: Rows<Distribution>): Chart {
  const points = rows.flatMap(({ name, points }, index) =>
    points
      .filter(({ share }) => share < 1)
      .map(({ share, value }) => ({ name, value, color: seriesColor(index), nines: 1 / (1 - share) })),
  )
  const ticks = NINES.filter((nines) => points.some((point) => point.nines > nines * 0.99))
  // 1000 as `99.9 %`.
  const tickFormat = (nines: number) => `${Number((100 * (1 - 1 / nines)).toPrecision(7))} %`
  const svg = draw({
    ...{ height: 360, marginTop: 36, marginLeft: 64, marginRight: 40 },
    x: { type: 'log', label: 'percentile', grid: true, ticks, tickFormat },
    y: { type: 'log', label, grid: true, tickFormat: ',' },
    marks: [
      Plot.lineY(points, { x: 'nines', y: 'value', z: 'name', stroke: 'color', curve: 'step-after' }),
      Plot.dot(points, { x: 'nines', y: 'value', r: 3, fill: 'color' }),
    ],
  })
  return { ...frame, keys: rows.map(({ name: label }, index) => ({ label, color: seriesColor(index) })), svg }
}

const NINES = [2, 10, 100, 1000, 10_000]

function layout(rows: readonly { readonly name: string }[]) {
  return { height: 50 + rows.length * 52, ...MARGINS, y: { axis: null, domain: rows.map(({ name }) => name) } }
}

/** The name above a row on the left, and its label on the right. */
function rowLabels(Plot: Canvas['Plot'], rows: readonly { readonly name: string; readonly label: string }[]) {
  const above = { y: 'name', dy: -16, lineAnchor: 'middle' } as const
  return [
    Plot.text(rows, { ...above, text: 'name', frameAnchor: 'left', dx: -MARGINS.marginLeft, fontWeight: 600 }),
    Plot.text(rows, { ...above, text: 'label', frameAnchor: 'right', dx: MARGINS.marginRight }),
  ]
}

export function seriesColor(index: number): string {
  return SERIES_COLORS[index % SERIES_COLORS.length]
}

/** Colours distinguishable with colour blindness (Okabe and Ito), on light and dark backgrounds. */
const SERIES_COLORS = ['#0072b2', '#56b4e9', '#d55e00', '#e69f00', '#009e73', '#7fd1ae', '#cc79a7', '#8c6bb1']
const ACCENT = '#d55e00'
const MARGINS = { marginLeft: 24, marginRight: 40 } as const
const compact = new Intl.NumberFormat('en-US', { notation: 'compact' }).format
/** Pixels between the margins of the page, on a screen and on a phone. */
const WIDE = 920
const NARROW = 358
