import type { Canvas, Chart } from './canvas.js'

type Frame = Omit<Chart, 'keys' | 'svg'>

/** A figure of one candidate, with its interval. */
export interface IntervalRow {
  readonly name: string
  readonly estimate: number
  readonly low: number
  readonly high: number
  /** Single measurements, each shown as a point; null for one that was not possible. */
  readonly values: readonly (number | null)[]
  /** What is written above the row, on the right. */
  readonly label: string
}

interface Axis {
  readonly label: string
  readonly type?: 'log'
  readonly tickFormat?: string | ((value: number) => string)
  /** Marked by a dashed line. */
  readonly reference?: number
}

/** Draws figures below each other on one scale, which begins at 0 unless it is logarithmic. */
export function intervalChart(
  { Plot, draw }: Canvas,
  frame: Frame,
  { reference, ...axis }: Axis,
  rows: readonly IntervalRow[],
): Chart {
  const values = rows.flatMap(({ name, values }) => values.map((value) => ({ name, value })))
  return {
    ...frame,
    keys: [],
    svg: draw({
      height: 50 + rows.length * ROW,
      ...MARGINS,
      x: { grid: true, nice: true, zero: axis.type !== 'log', ...axis, ...(axis.type === 'log' ? { ticks: 5 } : {}) },
      y: { axis: null, domain: rows.map(({ name }) => name) },
      marks: [
        ...rowLabels(Plot, rows),
        ...(reference === undefined ? [] : [Plot.ruleX([reference], { strokeDasharray: '4,4' })]),
        Plot.dot(values, { x: 'value', y: 'name', r: 2, dy: 12, fill: 'currentColor', fillOpacity: 0.35 }),
        Plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'name', stroke: ACCENT, strokeWidth: 4 }),
        Plot.dot(rows, { x: 'estimate', y: 'name', r: 5, fill: ACCENT, title: 'label' }),
      ],
    }),
  }
}

/** A sum and its parts. */
export interface StackRow {
  readonly name: string
  readonly label: string
  readonly parts: readonly StackPart[]
  /** The sum measured directly. */
  readonly whole?: { readonly estimate: number; readonly low: number; readonly high: number }
}

interface StackPart {
  readonly label: string
  readonly color: string
  readonly value: number
  /** Its interval, in words. */
  readonly note?: string
  /** The difference from 0 is not significant. */
  readonly isPale?: boolean
}

/** Draws sums below each other as bars, each composed of its parts. */
export function stackChart({ Plot, draw }: Canvas, frame: Frame, label: string, rows: readonly StackRow[]): Chart {
  const wholes = rows.flatMap(({ name, whole }) => (whole === undefined ? [] : [{ name, ...whole }]))
  const used = new Map(rows.flatMap(({ parts }) => parts.map((part) => [part.label, part.color])))
  return {
    ...frame,
    keys: [...used].map(([label, color]) => ({ label, color })),
    svg: draw({
      height: 50 + rows.length * ROW,
      ...MARGINS,
      x: { label, grid: true, nice: true },
      y: { axis: null, domain: rows.map(({ name }) => name) },
      marks: [
        ...rowLabels(Plot, rows),
        Plot.barX(rows.flatMap(barsOf), {
          x1: 'x1',
          x2: 'x2',
          y: 'name',
          insetTop: 20,
          insetBottom: 8,
          fill: 'color',
          fillOpacity: 'opacity',
          title: 'title',
        }),
        Plot.tickX(wholes, {
          x: 'estimate',
          y: 'name',
          insetTop: 16,
          insetBottom: 4,
          stroke: 'currentColor',
          strokeWidth: 2,
        }),
        Plot.ruleY(wholes, { x1: 'low', x2: 'high', y: 'name', dy: 6, stroke: 'currentColor', strokeWidth: 2 }),
      ],
    }),
  }
}

function barsOf({ name, parts }: StackRow): object[] {
  let from = 0
  return parts.map(({ label, color, value, note = value.toFixed(1), isPale = false }) => {
    const x1 = from
    from += Math.max(0, value)
    return { name, x1, x2: from, color, title: `${name}: ${label}: ${note}`, opacity: isPale ? 0.35 : 1 }
  })
}

/** A distribution: `value` is not exceeded by this share of the measurements. */
export interface Distribution {
  readonly name: string
  readonly points: readonly { readonly share: number; readonly value: number }[]
}

/** Draws values over percentiles whose distance grows with the number of nines, as is usual for latencies. */
export function percentileChart(
  { Plot, draw }: Canvas,
  frame: Frame,
  label: string,
  distributions: readonly Distribution[],
): Chart {
  const points = distributions.flatMap(({ name, points }, index) =>
    points
      .filter(({ share }) => share < 1)
      .map(({ share, value }) => ({
        ...{ name, value, color: seriesColor(index), nines: 1 / (1 - share) },
        title: `${name}: ${value.toLocaleString('en-US')} at ${percentile(1 / (1 - share))}`,
      })),
  )
  return {
    ...frame,
    keys: distributions.map(({ name }, index) => ({ label: name, color: seriesColor(index) })),
    svg: draw({
      height: 360,
      marginTop: 36,
      marginLeft: 64,
      marginRight: 40,
      x: { type: 'log', label: 'percentile', grid: true, tickFormat: percentile },
      y: { type: 'log', label, grid: true, tickFormat: ',' },
      marks: [
        Plot.lineY(points, { x: 'nines', y: 'value', z: 'name', stroke: 'color', curve: 'step-after' }),
        Plot.dot(points, { x: 'nines', y: 'value', r: 3, fill: 'color', title: 'title' }),
      ],
    }),
  }
}

/** 1000 as `99.9 %`. */
function percentile(nines: number): string {
  return `${Number((100 * (1 - 1 / nines)).toPrecision(7))} %`
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
const ROW = 52
const MARGINS = { marginLeft: 24, marginRight: 40 } as const
