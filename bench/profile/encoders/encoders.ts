import type { Unmeasured } from '../../engine/case.js'
import { SendBatch } from '../library.js'
import { type EncoderDefinition, encoderOf } from './encoder.js'
import { KOFFI_ENCODE, KOFFI_OBJECTS } from './koffi.js'
import { DATA_VIEW, FRESH_ALLOCATION, REF_NAPI, TYPED_ARRAY } from './stores.js'

/** The library: headers are built once, and filling a batch writes what changed. */
const LIBRARY: EncoderDefinition = {
  name: 'library',
  describe: 'headers built once, only lengths written (this library)',
  open: ({ batch, sizeBytes, destination }) => {
    const messages = new SendBatch({ capacity: batch, slotBytes: Math.max(1, sizeBytes) })
    const headers = messages.slots.headerAddress(0)
    return encoderOf(batch, () => {
      messages.clear()
      for (let message = 0; message < batch; message += 1) messages.reserve(sizeBytes, destination)
      return headers
    })
  },
}

const hasRefNapi = isRefNapiInstalled()

export const ENCODERS: readonly EncoderDefinition[] = [
  LIBRARY,
  TYPED_ARRAY,
  DATA_VIEW,
  KOFFI_ENCODE,
  KOFFI_OBJECTS,
  ...(hasRefNapi ? [REF_NAPI] : []),
  FRESH_ALLOCATION,
]

/** Encoders that are left out here. */
export const LEFT_OUT: readonly Unmeasured[] = hasRefNapi
  ? []
  : [{ id: `encoder/${REF_NAPI.name}`, reason: 'the package ref-napi is not installed' }]

function isRefNapiInstalled(): boolean {
  try {
    return require.resolve('ref-napi') !== ''
  } catch {
    return false
  }
}
