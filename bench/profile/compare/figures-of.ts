import type { ProfileDocument } from '../report/document.js'
import type { Interval } from '../statistics/interval.js'

/** A figure of a document that can be held against another run's: nanoseconds, less is faster. */
export interface ComparedFigure {
  readonly id: string
  readonly interval: Interval
}

/** All figures of a document, under names that two runs share. */
export function figuresOf({ ladder, lines, strategies, crossings }: ProfileDocument): ComparedFigure[] {
  return [
    ...ladder.flatMap(({ mode, connected, batch, rungs, whole }) => {
      const name = `${mode}${connected ? ' connected' : ''} of ${batch}`
      return [
        { id: `${name}: whole`, interval: whole },
        ...rungs.map(({ label, nanoseconds }) => ({ id: `${name}: ${label}`, interval: nanoseconds })),
      ]
    }),
    ...lines.flatMap(({ name, a, b }) => [
      { id: `line ${name}: a, a call`, interval: a },
      { id: `line ${name}: b, a message`, interval: b },
    ]),
    ...strategies.flatMap(({ name, points }) =>
      points.map(({ batch, alone }) => ({ id: `strategy ${name} of ${batch}`, interval: alone })),
    ),
    ...crossings.map(({ by, function: name, nanoseconds }) => ({
      id: `crossing ${by} as ${name}`,
      interval: nanoseconds,
    })),
  ]
}
