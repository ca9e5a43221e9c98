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

/** Pixels between the margins of the page, on a screen and on a phone. */
const WIDE = 920
const NARROW = 358
