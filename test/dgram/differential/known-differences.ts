/** A case in which the drop-in does not do what node:dgram does, and is not meant to. */
export interface KnownDifference {
  readonly name: string
  readonly reason: string
  /** The version of Node from which on there is no difference. */
  readonly before?: string
}

const CLASS = "Socket is a class that extends node:dgram's own Socket, so that it is an instance of both"

/** Each must really differ: one that no longer does is a failure, and so is one that names no case. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: 'Socket: its place among the classes', reason: CLASS },
  {
    name: 'Socket: its type is a property of its own',
    reason:
      'it is an accessor: Node reads it when it sends the socket to another process, which ends GRO and batched receiving',
  },
  {
    name: 'connect: and sends that were queued before it',
    reason: 'a send to an address that was queued before connect() is delivered, where node:dgram answers EISCONN',
  },
  {
    name: 'send fails: connected to nobody, two at once: the second is told',
    reason: 'both leave in one system call, before the network can answer; the error event tells of the answer',
  },
  {
    name: 'send when bound: when the callback comes',
    reason: 'a numeric address takes no look-up, and so the callback comes one tick earlier',
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
      'what was sent before close() is sent: node:dgram forgets it and never calls back, its look-up takes a tick',
  },
  {
    name: 'close in a batch: in a tick, after an exception in the listener',
    reason:
      'after an exception the rest of the batch waits for a later loop iteration, so the ticks of that listener come first',
  },
  {
    name: 'bind to a descriptor: of another family',
    reason: 'a destination of another family than the descriptor is refused before the kernel sees it: EINVAL',
  },
  {
    name: 'bind to a descriptor: that is connected',
    reason:
      'a send to an address on a descriptor that was connected elsewhere is delivered, where node:dgram answers EISCONN',
  },
  {
    name: 'a socket sent to a child: in a listener, and closed in a later one',
    reason:
      'what was received in one batch before the socket was sent belongs to this process, and is dropped when it closes the socket',
  },
  {
    name: 'last sends of a process: before process.reallyExit, connected',
    reason: 'what is sent leaves at the end of the tick or in the exit event, and neither comes',
  },
  {
    name: 'last sends of a process: before SIGKILL, connected',
    reason: 'what is sent leaves at the end of the tick, which does not come',
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
    reason: 'what is sent leaves at the end of the tick or in the exit event, whose listener was removed',
  },
  {
    name: 'a process ends: with an error of a listener, before its ticks',
    reason: 'without a handler of uncaught exceptions, the ticks of the listener come before the end of the process',
  },
]
