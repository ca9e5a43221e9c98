export type { Datagram, DatagramCopy } from './batch/datagram.js'
export type { MessageOptions } from './batch/message-options.js'
export type { Payload } from './batch/payload.js'
export { RecvBatch, type RecvBatchOptions } from './batch/recv-batch.js'
export { SendBatch, type SendBatchOptions } from './batch/send-batch.js'
export { type Endpoint, type EndpointLike, endpoint, type Family } from './endpoint/endpoint.js'
export { ErrnoError } from './libc/errno-error.js'
export { type ProbeOptions, type ProbeReport, probe } from './probe/probe.js'
export { BatchConn } from './socket/batch-conn.js'
export type {
  AdoptOptions,
  BatchesOptions,
  BlockingOptions,
  OpenOptions,
  ReadOptions,
  WaitOptions,
} from './socket/conn-options.js'
export type { DropEvent, GsoOffEvent, ReceiveEvent, SendEvent } from './socket/diagnostics.js'
export type { NetworkError } from './socket/error-queue.js'
export type { FeatureStatus } from './socket/feature-status.js'
export type { Interface, Membership } from './socket/multicast.js'
export type { Subscription } from './socket/reading.js'
export type { ReusePortOptions } from './socket/reuse-port.js'
export type { SendFailure, SendReport } from './socket/send-all.js'
export type { LiveSocketOptions, MtuDiscover, SocketSettings } from './socket/socket-options.js'
export type { ReceiveStats, SendStats, SocketStats } from './socket/socket-stats.js'
export type { ZeroCopyOptions, ZeroCopyStatus } from './socket/zero-copy.js'
