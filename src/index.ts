export type { Datagram, DatagramCopy } from './batch/datagram.js'
export type { Payload } from './batch/payload.js'
export { RecvBatch, type RecvBatchOptions } from './batch/recv-batch.js'
export { SendBatch, type SendBatchOptions } from './batch/send-batch.js'
export { type Endpoint, type EndpointLike, endpoint, type Family } from './endpoint/endpoint.js'
export { ErrnoError } from './libc/errno-error.js'
export {
  type AdoptOptions,
  BatchConn,
  type BlockingOptions,
  type OpenOptions,
  type WaitOptions,
} from './socket/batch-conn.js'
export type { Interface, Membership } from './socket/multicast.js'
export type { SendFailure, SendReport } from './socket/send-all.js'
export type { MtuDiscover, SocketOptions, SocketSettings } from './socket/socket-options.js'
