/** Statistics of sending. */
export interface SendStats {
  /** System calls sendmsg and sendmmsg, whatever their result: the number that strace counts. */
  readonly sendCalls: number
  /** Calls of `sendCalls` that sent nothing because a buffer or a device queue was full (EAGAIN, ENOBUFS). */
  readonly sendWouldBlock: number
  /**
   * Calls of `sendCalls` that sent nothing for another reason: an error of the first message, an ICMP error about an earlier
   * datagram, a signal (EINTR), a rejected GSO send, a system without sendmmsg.
   */
  readonly sendErrors: number
  /** Calls of `sendCalls` that directly follow one of `sendErrors` in the same `send`: its repetition, or a part of it. */
  readonly sendRetries: number
  /** Messages that the kernel accepted completely. A GSO send of `segmentBytes` is one; of joined messages, each counts. */
  readonly sentMessages: number
  /**
   * Errors about one message, thrown by `send` or reported by `sendAll`, also of a message that never reached the kernel. One
   * that is sent again and fails again counts twice.
   */
  readonly failedMessages: number
  /** Datagrams that the kernel accepted; each segment of a GSO send counts. Accepted datagrams can still be lost. */
  readonly sentDatagrams: number
  /** Payload bytes of `sentDatagrams`, without headers. */
  readonly sentBytes: number
  /** Messages accepted with UDP_SEGMENT, each of two or more segments. */
  readonly gsoSends: number
  /** Segments of `gsoSends`, which are also in `sentDatagrams`. */
  readonly gsoSegments: number
}

/** Statistics of receiving. */
export interface ReceiveStats {
  /** System calls recvmsg and recvmmsg, whatever their result. Without those that read the error queue. */
  readonly receiveCalls: number
  /** Calls of `receiveCalls` that found no datagram (EAGAIN). */
  readonly receiveWouldBlock: number
  /** Calls of `receiveCalls` that failed for another reason, for example with the ICMP error of an earlier datagram. */
  readonly receiveErrors: number
  /** Filled slots: the sum of what `recv` returned. A GRO buffer is one. */
  readonly receivedMessages: number
  /** Received datagrams; each datagram of a GRO buffer counts. */
  readonly receivedDatagrams: number
  /** Payload bytes of `receivedDatagrams` that are in the slots: of a truncated one, the bytes that fit. */
  readonly receivedBytes: number
  /** Slots of `receivedMessages` that hold a GRO buffer of two or more datagrams. */
  readonly groBuffers: number
  /** Datagrams of `groBuffers`, which are also in `receivedDatagrams`. */
  readonly groSegments: number
  /** Datagrams that were longer than their slot (MSG_TRUNC). In a GRO buffer, only the last one can be. */
  readonly truncatedDatagrams: number
}

/**
 * Statistics of a socket since it was opened: a plain object of numbers, a snapshot. All are counters that only grow, except
 * the two averages.
 *
 * These sums hold at any time, between two calls of the socket:
 * - `sendCalls` = calls that sent something + `sendWouldBlock` + `sendErrors`
 * - `receiveCalls` = calls that received something + `receiveWouldBlock` + `receiveErrors`
 * - `receivedDatagrams` = `receivedMessages` - `groBuffers` + `groSegments`
 */
export interface SocketStats extends SendStats, ReceiveStats {
  /** Achieved batch: `sentDatagrams` per system call that sent something; 0 before the first. */
  readonly datagramsPerSend: number
  /** Achieved batch: `receivedDatagrams` per system call that received something; 0 before the first. */
  readonly datagramsPerReceive: number
  /**
   * Datagrams that the kernel dropped because the receive buffer was full, read from the kernel by each access to `stats`, also
   * without `countDrops`. 0 before Linux 4.12 without `countDrops`. A dropped GRO buffer counts once.
   */
  readonly kernelDrops: number
}
