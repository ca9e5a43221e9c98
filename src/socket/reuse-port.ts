import { availableParallelism } from 'node:os'
import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { type Endpoint, endpoint, type Family } from '../endpoint/endpoint.js'
import { writePointer } from '../layout/pointer.js'
import { check } from '../libc/check.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { structs } from '../libc/structs.js'
import { Arena } from '../memory/arena.js'
import { bindDescriptor, disconnectDescriptor, localEndpoint } from './descriptor.js'
import { setIntegerOption } from './option.js'

/** Distribution of datagrams over the sockets of one port. */
export interface ReusePortOptions {
  /**
   * `hash`: by addresses and ports, so that a flow stays on one socket; the kernel's default. `cpu`: by the CPU that received
   * the packet. `random`: evenly, even within one flow, whose datagrams can then overtake each other.
   */
  steer: Steer
  /**
   * Number of sockets in the group, 1 to 65535, for `cpu` and `random`. Default: the number of CPUs of this process. While the
   * group has fewer, the datagrams of the missing ones are distributed by `hash`.
   */
  sockets?: number
}

export type Steer = 'hash' | 'cpu' | 'random'

/** Validated options, with defaults. */
export type Steering = Readonly<Required<ReusePortOptions>>

/**
 * Reads and validates the options, each once.
 *
 * @throws TypeError or RangeError with the option's name
 */
export function steeringOf(options: ReusePortOptions): Steering {
  const { steer, sockets = availableParallelism() } = validate.options(options, 'reusePort', ['steer', 'sockets'])
  validate.integer(sockets, 'sockets', 1, 65_535)
  return { steer: validate.oneOf(steer, 'steer', STEERS), sockets }
}

/**
 * Sets SO_REUSEPORT, and attaches the program for `steer` or removes the socket's own one.
 *
 * @param descriptor - called after the options were read, because a getter there may close the socket
 * @param previous - options of the program that is attached
 * @returns the options if there is a program
 * @throws TypeError `ERR_INVALID_STATE` if the socket is bound and a program is involved; TypeError or RangeError as `steeringOf`
 */
export function setReusePort(
  descriptor: () => number,
  family: Family,
  value: boolean | ReusePortOptions,
  previous: Steering | undefined,
): Steering | undefined {
  const options = typeof value === 'object' && value !== null ? steeringOf(value) : undefined
  const isOn = options !== undefined || validate.boolean(value, 'reusePort')
  const steering = options?.steer === 'hash' ? undefined : options
  const fd = descriptor()
  if ((steering ?? previous) !== undefined && localEndpoint(fd)?.port !== 0) {
    throw typeError('ERR_INVALID_STATE', `reusePort.steer must be set before bind; ${received(value)}`)
  }
  setIntegerOption(fd, c.SOL_SOCKET, c.SO_REUSEPORT, isOn ? 1 : 0)
  if (steering !== undefined) attachProgram(fd, steering)
  else if (previous !== undefined) detachProgram(fd, family)
  return steering
}

/**
 * Attaches the program that chooses a socket for each datagram (SO_ATTACH_REUSEPORT_CBPF, socket(7)): three instructions of
 * classic BPF.
 *
 * Only before `bind`: the program then belongs to this socket alone, and the first socket that binds the port brings it into
 * the group. Replacing the program of a group in use can be a use-after-free in the kernel, because the old one is freed while
 * another CPU may run it.
 */
function attachProgram(fd: number, { steer, sockets }: Steering): void {
  const { sockFilter, sockFprog } = structs()
  const program = [
    [BPF_LD | BPF_W | BPF_ABS, steer === 'cpu' ? SKF_AD_CPU : SKF_AD_RANDOM],
    [BPF_ALU | BPF_MOD | BPF_K, sockets],
    [BPF_RET | BPF_A, 0],
  ]
  const { slabs, view, words } = new Arena({ header: sockFprog.bytes, filter: program.length * sockFilter.bytes })
  view.setUint16(slabs.header.offset + sockFprog.length, program.length, true)
  writePointer(words, (slabs.header.offset + sockFprog.filter) / 4, slabs.filter.address)
  for (const [index, [code, value]] of program.entries()) {
    const at = slabs.filter.offset + index * sockFilter.bytes
    view.setUint16(at + sockFilter.code, code, true)
    view.setUint32(at + sockFilter.k, value, true)
  }
  const { address, byteLength } = slabs.header
  check(libc().setsockopt(fd, c.SOL_SOCKET, c.SO_ATTACH_REUSEPORT_CBPF, address, byteLength), 'setsockopt')
}

/**
 * Binds a socket. One with a program: as the first of its group, or without the program if the group exists, because the kernel
 * accepts no socket that has one (udp_lib_lport_inuse in net/ipv4/udp.c).
 *
 * @throws ErrnoError as bind(2)
 */
export function bindSteered(fd: number, family: Family, address: Endpoint, steering?: Steering): void {
  try {
    bindDescriptor(fd, address)
  } catch (error) {
    if (steering === undefined || !(error instanceof ErrnoError) || error.code !== 'EADDRINUSE') throw error
    detachProgram(fd, family)
    try {
      bindDescriptor(fd, address)
    } catch (second) {
      // The caller may bind another port.
      attachProgram(fd, steering)
      throw second
    }
  }
}

/** Binds to a port of the kernel's choice, which `disconnect` leaves again (__udp_disconnect in net/ipv4/udp.c). */
function detachProgram(fd: number, family: Family): void {
  bindDescriptor(fd, endpoint({ address: family === 'ipv4' ? '0.0.0.0' : '::', port: 0 }))
  disconnectDescriptor(fd)
}

const STEERS = ['hash', 'cpu', 'random'] as const

// Instructions of linux/bpf_common.h, and the "ancillary data" of linux/filter.h.
const BPF_LD = 0x00
const BPF_W = 0x00
const BPF_ABS = 0x20
const BPF_ALU = 0x04
const BPF_MOD = 0x90
const BPF_K = 0x00
const BPF_RET = 0x06
const BPF_A = 0x10
const SKF_AD_OFF = -0x1000
const SKF_AD_CPU = (SKF_AD_OFF + 36) >>> 0
const SKF_AD_RANDOM = (SKF_AD_OFF + 56) >>> 0
