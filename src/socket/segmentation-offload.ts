import { release } from 'node:os'
import type { Offload } from '../batch/send-plan.js'
import type { RejectedGso } from '../batch/send-planner.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { EINVAL, EIO, EMSGSIZE, IPPROTO_UDP, UDP_GRO, UDP_SEGMENT } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { type FeatureStatus, isSet, off } from './feature-status.js'
import { integerOption, setIntegerOption } from './option.js'

/**
 * Status of GSO sends of a socket (UDP_SEGMENT, generic segmentation offload). On until the option, the environment, the
 * kernel or the device disables it. After a rejection by the device it stays off.
 */
export class SegmentationOffload implements Offload {
  readonly #fd: number
  readonly #onOff: (reason: string) => void
  readonly #now: () => number
  readonly #limits = new Map<Endpoint | undefined, Limit>()
  #status: FeatureStatus | undefined
  #strikes = 0

  /**
   * @param onOff - called once, when the device's rejection disables GSO sends; must not use the socket
   * @param now - returns the milliseconds of a monotonic clock
   */
  constructor(
    fd: number,
    isRequested: boolean,
    onOff: (reason: string) => void = () => {},
    now = () => performance.now(),
  ) {
    this.#fd = fd
    this.#onOff = onOff
    this.#now = now
    if (!isRequested) this.#status = off('the option gso is false')
    else if (isSet('BATCHCONN_NO_GSO')) this.#status = off('the environment variable BATCHCONN_NO_GSO is set')
  }

  get status(): FeatureStatus {
    this.#status ??= kernelStatus(this.#fd)
    if (!this.#status.available || this.#limits.size === 0) return this.#status
    const limits = Array.from(this.#limits, ([destination, { bytes }]) => `${destination ?? 'the peer'} ${bytes}`)
    return {
      available: true,
      reason: `${this.#status.reason}; largest segments in bytes, until retried: ${limits.join(', ')}`,
    }
  }

  get isOn(): boolean {
    this.#status ??= kernelStatus(this.#fd)
    return this.#status.available
  }

  maxSegmentBytes(destination: Endpoint | undefined): number {
    if (this.#limits.size === 0) return MAX_SEGMENT_BYTES
    const limit = this.#limits.get(destination)
    if (limit === undefined) return MAX_SEGMENT_BYTES
    if (this.#now() < limit.expiresMs) return limit.bytes
    this.#limits.delete(destination)
    return MAX_SEGMENT_BYTES
  }

  /** Returns true for an error that GSO may have caused. */
  isSuspicious(errno: number): boolean {
    return errno === EIO || errno === EINVAL || errno === EMSGSIZE
  }

  /** Records that a GSO send was accepted. */
  noteAccepted(): void {
    this.#strikes = 0
  }

  /** Records that the segments of a rejected GSO send were accepted as single datagrams. */
  confirm({ errno, segmentBytes, destination }: RejectedGso): void {
    // Datagrams above the path's MTU can be fragmented, but not sent as segments.
    if (errno === EMSGSIZE) {
      this.#limit(destination, segmentBytes - 1)
      return
    }
    // A temporarily missing route also causes EINVAL, and may be back for the retry: one rejection proves nothing.
    this.#strikes += 1
    if (errno === EINVAL && this.#strikes < EINVAL_STRIKES) return
    this.#status = off(`the device rejected a GSO send with ${new ErrnoError(errno, 'sendmsg').code}`)
    this.#onOff(this.#status.reason)
  }

  /** Removes the segment size limit of the connected peer's path. */
  forgetPeer(): void {
    this.#limits.delete(undefined)
  }

  #limit(destination: Endpoint | undefined, bytes: number): void {
    const known = this.maxSegmentBytes(destination)
    if (this.#limits.size >= MAX_LIMITS) this.#limits.clear()
    this.#limits.set(destination, { bytes: Math.min(known, bytes), expiresMs: this.#now() + LIMIT_MS })
  }
}

interface Limit {
  readonly bytes: number
  readonly expiresMs: number
}

/** Largest segment size: UDP_SEGMENT is a 16-bit number (udp(7)). */
const MAX_SEGMENT_BYTES = 65_535

/** Lifetime of a limit: the path's MTU can rise. The kernel keeps a lowered one ten minutes (net.ipv4.route.mtu_expires). */
const LIMIT_MS = 60_000

const MAX_LIMITS = 1024

const EINVAL_STRIKES = 2

/** Enables UDP_GRO, if it is requested and reliable on this kernel. */
export function openReceiveOffload(fd: number, isRequested: boolean): FeatureStatus {
  if (!isRequested) return off('the option gro is not set')
  if (isSet('BATCHCONN_NO_GRO')) return off('the environment variable BATCHCONN_NO_GRO is set')
  if (!isKernelAtLeast(release(), 5, 12)) return off(`UDP_GRO is unreliable before Linux 5.12; this is ${release()}`)
  try {
    setIntegerOption(fd, IPPROTO_UDP, UDP_GRO, 1)
    return { available: true, reason: 'the kernel accepted UDP_GRO' }
  } catch (error) {
    if (error instanceof ErrnoError && error.code === 'ENOPROTOOPT') return off('the kernel does not support UDP_GRO')
    throw error
  }
}

/** Disables UDP_GRO, if it is on. */
export function closeReceiveOffload(fd: number, status: FeatureStatus): FeatureStatus {
  if (!status.available) return status
  setIntegerOption(fd, IPPROTO_UDP, UDP_GRO, 0)
  return off('the descriptor is shared with another process')
}

/** Returns true if a kernel release such as `6.1.0-13-amd64` is at least the given version. */
export function isKernelAtLeast(kernelRelease: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = kernelRelease.split('.', 2).map((part) => Number.parseInt(part, 10))
  return first > major || (first === major && second >= minor)
}

function kernelStatus(fd: number): FeatureStatus {
  try {
    integerOption(fd, IPPROTO_UDP, UDP_SEGMENT)
    return { available: true, reason: 'the kernel supports UDP_SEGMENT' }
  } catch (error) {
    if (error instanceof ErrnoError && error.code === 'ENOPROTOOPT')
      return off('the kernel does not support UDP_SEGMENT')
    throw error
  }
}
