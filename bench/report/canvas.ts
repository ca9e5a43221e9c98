export interface Canvas {
  readonly Plot: typeof import('@observablehq/plot')
  /** Draws a chart, and returns it as SVG or HTML. */
  draw(options: import('@observablehq/plot').PlotOptions): string
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
  return {
    Plot,
    draw: (options) =>
      Plot.plot({ document: document as never, width: 920, marginBottom: 44, style, ...options }).outerHTML,
  }
}
