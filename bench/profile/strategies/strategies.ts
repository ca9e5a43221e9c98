import { DATA_VIEW } from './data-view.js'
import { FRESH_ALLOCATION } from './fresh-allocation.js'
import { KOFFI_ENCODE } from './koffi-encode.js'
import { KOFFI_OBJECTS } from './koffi-objects.js'
import { LIBRARY } from './library.js'
import { REF_NAPI } from './ref-napi.js'
import type { StrategyDefinition } from './strategy.js'
import { TYPED_ARRAY } from './typed-array.js'

/** All ways of preparing messages that are compared, the library's own first. */
export const STRATEGIES: readonly StrategyDefinition[] = [
  LIBRARY,
  TYPED_ARRAY,
  DATA_VIEW,
  KOFFI_ENCODE,
  KOFFI_OBJECTS,
  REF_NAPI,
  FRESH_ALLOCATION,
]
