/** A picture of the report. */
export interface Chart {
  readonly id: string
  readonly title: string
  /** What it shows, and how to read it. */
  readonly caption: string
  /** What the colours stand for. */
  readonly keys: readonly { readonly label: string; readonly color: string }[]
  readonly svg: string
}

/** Observable Plot with a document to draw in. */
export interface Canvas {
  readonly Plot: typeof import('@observablehq/plot')
  /** Draws, and gives the picture as text. */
  draw(options: import('@observablehq/plot').PlotOptions): string
}

export const CHART_WIDTH = 920

/** Told apart by people who do not see red and green alike (Okabe and Ito), on light and on dark. */
export const COLORS = {
  loop: '#8c8c8c',
  marshalling: '#e69f00',
  bookkeeping: '#f0c75e',
  crossing: '#d55e00',
  entry: '#cc79a7',
  import: '#0072b2',
  route: '#56b4e9',
  dequeue: '#3f7f93',
  device: '#4b8f5c',
  payload: '#009e73',
  copy: '#7fd1ae',
} as const

export const LINE_COLORS = [
  '#0072b2',
  '#56b4e9',
  '#d55e00',
  '#e69f00',
  '#009e73',
  '#7fd1ae',
  '#cc79a7',
  '#8c6bb1',
] as const
