/** A case in which the drop-in differs from node:dgram on purpose. */
export interface KnownDifference {
  readonly name: string
  readonly reason: string
  /** First version of Node without the difference. */
  readonly before?: string
}

const CLASS = "Socket is a class that extends node:dgram's own Socket, so that it is an instance of both"

/** Each must differ: a case without a difference is a failure, and so is a name without a case. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: 'Socket: its prototype chain', reason: CLASS },
  {
    name: 'Socket: type is an own property',
    reason:
      'it is an accessor: Node reads it when it sends the socket to another process, which ends GRO and batched receiving',
  },
  {
    name: 'connect: sends queued before it',
    reason: 'a send to an address that was queued before connect() is delivered, where node:dgram fails with EISCONN',
  },
  {
    name: 'send fails: connected to a closed port, two at once: the second fails',
    reason: 'one system call sends both, before the ICMP reply can arrive; the error event reports the ICMP error',
  },
  {
    name: 'send when bound: order of the ticks and the callback',
    reason: 'a numeric address requires no lookup, so the callback is called one tick earlier',
  },
  {
    name: 'send when bound: the bytes are read after the tick',
    reason: 'the bytes are read when send() is called, where node:dgram reads them a tick later',
  },
  {
    name: 'message: in the order they were sent, from two senders',
    reason: 'each socket sends its own batch: two sockets that send in one tick are not interleaved',
  },
  {
    name: 'close: after a send in the same tick: nothing is sent',
    reason:
      'messages before close() are sent; node:dgram discards them without a callback, because its lookup takes a tick',
  },
  {
    name: 'close in a batch: in a tick, after an exception in the listener',
    reason:
      'after an exception the rest of the batch waits for a later loop iteration, so the ticks of that listener come first',
  },
  {
    name: 'bind to a descriptor: of another family',
    reason: 'a destination of another family than the descriptor is rejected with EINVAL before the system call',
  },
  {
    name: 'bind to a descriptor: that is connected',
    reason:
      'a send to an address on a descriptor that was connected elsewhere is delivered, where node:dgram fails with EISCONN',
  },
  {
    name: 'a socket sent to a child: in a listener, and closed in a later one',
    reason:
      'datagrams received in one batch before the socket was sent are dropped when this process closes the socket',
  },
  {
    name: 'last sends of a process: before process.reallyExit, connected',
    reason: 'messages are sent at the end of the tick or in the exit event, and neither happens',
  },
  {
    name: 'last sends of a process: before SIGKILL, connected',
    reason: 'messages are sent at the end of the tick, which is not reached',
  },
  {
    name: 'reusePort: two sockets share a port',
    reason: 'works on every version of Node',
    before: '22.12.0',
  },
  {
    name: 'block lists: of senders',
    reason: 'works on every version of Node',
    before: '22.13.0',
  },
  {
    name: 'block lists: of receivers',
    reason: 'works on every version of Node',
    before: '22.13.0',
  },
  {
    name: 'last sends of a process: after removeAllListeners of exit, connected',
    reason: 'messages are sent at the end of the tick or in the exit event, whose listener was removed',
  },
  {
    name: 'a process ends: with an error of a listener, before its ticks',
    reason: 'without a handler of uncaught exceptions, the ticks of the listener run before the process ends',
  },
]
