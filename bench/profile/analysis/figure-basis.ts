import type { Series } from '../../engine/case.js'
import type { HeapGrowth } from '../../engine/sample.js'
import type { Subject, Work } from '../cases/work.js'

/** What the figures are computed from. */
export interface FigureBasis {
  readonly series: readonly Series<Work>[]
  readonly rounds: number
  readonly subject: Subject
  readonly encoders: readonly { readonly name: string; readonly describe: string }[]
  /** By the id of the encoder's case. */
  readonly growth: ReadonlyMap<string, HeapGrowth>
}
