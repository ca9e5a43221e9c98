import type { Canvas } from './chart.js'

/** Plot draws into a DOM; there is none in Node. Both are loaded only when there is something to draw. */
export async function openCanvas(): Promise<Canvas> {
  const Plot = await import('@observablehq/plot')
  const { JSDOM } = require('jsdom') as { JSDOM: new (html: string) => { window: { document: object } } }
  const { document } = new JSDOM('').window
  return {
    Plot,
    draw: (options) => {
      const drawn = Plot.plot({
        document: document as never,
        style: { fontSize: '13px', fontFamily: 'inherit', overflow: 'visible' },
        ...options,
      })
      // Plot's own style sheet would be repeated in each picture under a class of its own making: that is harmless.
      return drawn.outerHTML
    },
  }
}
