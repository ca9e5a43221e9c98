import { release } from 'node:os'
import type { Suspicion, TrainSupport } from '../batch/send-planner.js'
import { EINVAL, EIO, EMSGSIZE, IPPROTO_UDP, UDP_GRO, UDP_SEGMENT } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { integerOption, setIntegerOption } from './option.js'

/** Whether a socket uses an offload, and why. */
export interface OffloadStatus {
  readonly state: 'on' | 'off'
  /** In words. */
  readonly reason: string
}

/**
 * Whether a socket may send trains (UDP_SEGMENT, generic segmentation offload). On until the option, the environment,
 * the kernel or the device says no; what the device says is for good.
 */
export class SegmentationOffload implements TrainSupport {
  maxSegmentBytes = 65_535
  readonly #fd: number
  #status: OffloadStatus | undefined

  constructor(fd: number, isWanted: boolean) {
    this.#fd = fd
    if (!isWanted) this.#status = off('the option gso is false')
    else if (isSet('BATCHCONN_NO_GSO')) this.#status = off('the environment variable BATCHCONN_NO_GSO is set')
  }

  get status(): OffloadStatus {
    this.#status ??= kernelStatus(this.#fd)
    return this.#status
  }

  get isOn(): boolean {
    return this.status.state === 'on'
  }

  /** True for an error that a train can get where its datagrams alone would not. */
  isSuspicious(errno: number): boolean {
    return errno === EIO || errno === EINVAL || errno === EMSGSIZE
  }

  /** A refused train's datagrams went out alone: so the train was at fault. */
  confirm({ errno, trainBytes }: Suspicion): void {
    // Datagrams above the path's MTU can be fragmented but not be segments.
    if (errno === EMSGSIZE) this.maxSegmentBytes = Math.min(this.maxSegmentBytes, trainBytes - 1)
    else this.#status = off(`the device refused a train with ${new ErrnoError(errno, 'sendmsg').code}`)
  }
}

/** Switches UDP_GRO on, if it is wanted and can be trusted here. */
export function openReceiveOffload(fd: number, isWanted: boolean): OffloadStatus {
  if (!isWanted) return off('the option gro is not set')
  if (isSet('BATCHCONN_NO_GRO')) return off('the environment variable BATCHCONN_NO_GRO is set')
  if (!isKernelAtLeast(release(), 5, 12))
    return off(`Linux ${release()} is older than 5.12, whose UDP_GRO is unreliable`)
  try {
    setIntegerOption(fd, IPPROTO_UDP, UDP_GRO, 1)
    return { state: 'on', reason: 'the kernel took UDP_GRO' }
  } catch (error) {
    if (error instanceof ErrnoError && error.code === 'ENOPROTOOPT') return off('the kernel does not know UDP_GRO')
    throw error
  }
}

/** True if a kernel release such as `6.1.0-13-amd64` is at least the given version. */
export function isKernelAtLeast(kernelRelease: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = kernelRelease.split('.', 2).map((part) => Number.parseInt(part, 10))
  return first > major || (first === major && second >= minor)
}

function kernelStatus(fd: number): OffloadStatus {
  try {
    integerOption(fd, IPPROTO_UDP, UDP_SEGMENT)
    return { state: 'on', reason: 'the kernel knows UDP_SEGMENT' }
  } catch (error) {
    if (error instanceof ErrnoError && error.code === 'ENOPROTOOPT') return off('the kernel does not know UDP_SEGMENT')
    throw error
  }
}

function isSet(name: string): boolean {
  const value = process.env[name]
  return value !== undefined && value !== '' && value !== '0'
}

function off(reason: string): OffloadStatus {
  return { state: 'off', reason }
}
