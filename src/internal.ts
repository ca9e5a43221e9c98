/**
 * Exports for the profile in bench/, which measures the library layer by layer. Not part of the package batchconn: its
 * exports may change.
 */
export { receiveSideOf } from './batch/recv-batch.js'
export { messagesOf } from './batch/send-batch.js'
export { DestinationKind, sockaddrWords } from './endpoint/endpoint.js'
export { type IovecWords, iovecWords, type MessageWords, messageWords } from './layout/message.js'
export { readPointer, writePointer } from './layout/pointer.js'
export { encodeSockaddr, SOCKADDR_SLOT_BYTES, sockaddrBytes } from './layout/sockaddr.js'
export { MSG_DONTWAIT, MSG_NOSIGNAL, SOCKADDR_STORAGE_BYTES } from './libc/constants.js'
export { koffi } from './libc/koffi.js'
export { type Address, addressOf, type Libc, libc } from './libc/libc.js'
export { type Structs, structs } from './libc/structs.js'
export { Arena, type Slab } from './memory/arena.js'
export { BatchedCalls } from './socket/batched-calls.js'
export { receive } from './socket/receive.js'
export { SegmentationOffload } from './socket/segmentation-offload.js'
export { type Sending, transmit } from './socket/transmit.js'
