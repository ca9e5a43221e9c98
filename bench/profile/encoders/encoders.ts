import { SendBatch } from '../library.js'
import { DATA_VIEW } from './data-view.js'
import { type EncoderDefinition, preparedInPlace } from './encoder.js'
import { FRESH_ALLOCATION } from './fresh-allocation.js'
import { KOFFI_ENCODE } from './koffi-encode.js'
import { KOFFI_OBJECTS } from './koffi-objects.js'
import { REF_NAPI } from './ref-napi.js'
import { TYPED_ARRAY } from './typed-array.js'

/** The library: headers are built once, and filling a batch writes what changed. */
const LIBRARY: EncoderDefinition = {
  name: 'library',
  describe: 'headers built once, only lengths written (this library)',
  open: ({ batch, sizeBytes, destination }) => {
    const messages = new SendBatch({ capacity: batch, slotBytes: Math.max(1, sizeBytes) })
    return preparedInPlace(messages.slots.headerAddress(0), batch, () => {
      messages.clear()
      for (let message = 0; message < batch; message += 1) messages.reserve(sizeBytes, destination)
    })
  },
}

/** All encoders that are compared, the library's first. */
export const ENCODERS: readonly EncoderDefinition[] = [
  LIBRARY,
  TYPED_ARRAY,
  DATA_VIEW,
  KOFFI_ENCODE,
  KOFFI_OBJECTS,
  REF_NAPI,
  FRESH_ALLOCATION,
]
