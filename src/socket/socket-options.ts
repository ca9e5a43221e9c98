import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { warnOfReceiveBuffer } from './diagnostics.js'
import { type Interface, setMulticastInterface } from './multicast.js'
import { integerOption, setIntegerOption, setTextOption, textOption } from './option.js'
import { type ReusePortOptions, type Steering, setReusePort } from './reuse-port.js'

/**
 * Mode of path MTU discovery (ip(7), IP_MTU_DISCOVER). `dont`: routers may fragment. `want`: the system's default. `do`: set
 * DF, and fail with EMSGSIZE above the path's MTU. `probe`: set DF and ignore the path's MTU. `interface`: use the
 * interface's MTU and ignore ICMP. `omit`: as `interface`, but this host may fragment.
 */
export type MtuDiscover = 'dont' | 'want' | 'do' | 'probe' | 'interface' | 'omit'

/** Socket options that can be set by `open` and changed later. */
export interface SocketSettings {
  /** SO_REUSEADDR: several sockets may bind one port; the last one bound receives unicast. */
  reuseAddress?: boolean
  /**
   * SO_REUSEPORT: several sockets share one port, and the kernel distributes the datagrams among them; by `steer`, if that is
   * given. Set it before `bind`, alike on each socket of the group.
   */
  reusePort?: boolean | ReusePortOptions
  /** SO_INCOMING_CPU: prefer this socket of a `reusePort` group for packets that this CPU received. */
  incomingCpu?: number
  /** SO_BROADCAST: allow sending to broadcast addresses. */
  broadcast?: boolean
  /** IPV6_V6ONLY: an IPv6 socket receives no IPv4-mapped traffic. IPv6 only. */
  ipv6Only?: boolean
  /** SO_RCVBUF, in bytes. Reading returns the actual size: Linux doubles the requested one for its own overhead. */
  receiveBufferBytes?: number
  /** SO_SNDBUF, in bytes. Reading returns the actual size: Linux doubles the requested one for its own overhead. */
  sendBufferBytes?: number
  /** IP_TTL or IPV6_UNICAST_HOPS, 1 to 255. */
  ttl?: number
  /** IP_TOS or IPV6_TCLASS, 0 to 255: DSCP in the upper six bits, ECN in the lower two. */
  tos?: number
  /** SO_BINDTODEVICE: use this interface only. An empty string removes the binding. */
  bindToDevice?: string
  mtuDiscover?: MtuDiscover
  /** SO_PRIORITY of sent packets, for queueing disciplines: 0 to 6; above that requires CAP_NET_ADMIN. */
  priority?: number
  /** SO_MARK of sent packets, for routing and firewall rules: 0 to 2^32 - 1. Requires CAP_NET_ADMIN. */
  mark?: number
  /** SO_MAX_PACING_RATE in bytes per second, up to 2^32 - 2; Infinity for no limit. Requires the qdisc fq. */
  maxPacingRate?: number
  /** SO_BUSY_POLL: microseconds for which `recvBlocking` polls the device. Some kernels require CAP_NET_ADMIN. */
  busyPollUs?: number
  /** IP_MULTICAST_TTL or IPV6_MULTICAST_HOPS, 0 to 255. */
  multicastTtl?: number
  /** IP_MULTICAST_LOOP or IPV6_MULTICAST_LOOP: this host receives the multicast it sends. */
  multicastLoop?: boolean
  /**
   * IP_MULTICAST_ALL, IPV6_MULTICAST_ALL: also receive groups that only other sockets of this host joined. The system's default
   * is true.
   */
  multicastAll?: boolean
  /** IP_MULTICAST_IF or IPV6_MULTICAST_IF: interface of outgoing multicast. Write-only. */
  multicastInterface?: Interface
}

/** Options of an open socket. Each access reads from the kernel or writes to it (getsockopt(2), setsockopt(2)). */
export class LiveSocketOptions implements SocketSettings {
  readonly #descriptor: () => number
  readonly #family: Family
  /** Steering whose program is attached. @internal */
  steering: Steering | undefined

  /** @internal */
  constructor(descriptor: () => number, family: Family) {
    this.#descriptor = descriptor
    this.#family = family
  }

  get reuseAddress(): boolean {
    return this.#integer(c.SOL_SOCKET, c.SO_REUSEADDR) !== 0
  }
  set reuseAddress(on: boolean) {
    this.#setBoolean(c.SOL_SOCKET, c.SO_REUSEADDR, on, 'reuseAddress')
  }

  get reusePort(): boolean {
    return this.#integer(c.SOL_SOCKET, c.SO_REUSEPORT) !== 0
  }
  set reusePort(on: boolean | ReusePortOptions) {
    this.steering = setReusePort(this.#descriptor, this.#family, on, this.steering)
  }

  get incomingCpu(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_INCOMING_CPU)
  }
  set incomingCpu(cpu: number) {
    this.#setInteger(c.SO_INCOMING_CPU, validate.integer(cpu, 'incomingCpu', 0, 65_535))
  }

  get broadcast(): boolean {
    return this.#integer(c.SOL_SOCKET, c.SO_BROADCAST) !== 0
  }
  set broadcast(on: boolean) {
    this.#setBoolean(c.SOL_SOCKET, c.SO_BROADCAST, on, 'broadcast')
  }

  get ipv6Only(): boolean {
    return this.#family === 'ipv6' && this.#integer(c.IPPROTO_IPV6, c.IPV6_V6ONLY) !== 0
  }
  set ipv6Only(on: boolean) {
    if (this.#family === 'ipv4') {
      throw typeError('ERR_ADDRESS_FAMILY', 'ipv6Only is an option of ipv6 sockets; this one is ipv4')
    }
    this.#setBoolean(c.IPPROTO_IPV6, c.IPV6_V6ONLY, on, 'ipv6Only')
  }

  get receiveBufferBytes(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_RCVBUF)
  }
  set receiveBufferBytes(bytes: number) {
    this.#setBuffer(c.SO_RCVBUFFORCE, c.SO_RCVBUF, bytes, 'receiveBufferBytes')
  }

  get sendBufferBytes(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_SNDBUF)
  }
  set sendBufferBytes(bytes: number) {
    this.#setBuffer(c.SO_SNDBUFFORCE, c.SO_SNDBUF, bytes, 'sendBufferBytes')
  }

  get ttl(): number {
    return this.#ipInteger(c.IP_TTL, c.IPV6_UNICAST_HOPS)
  }
  set ttl(hops: number) {
    this.#setIpInteger(c.IP_TTL, c.IPV6_UNICAST_HOPS, validate.integer(hops, 'ttl', 1, 255))
  }

  get tos(): number {
    return this.#ipInteger(c.IP_TOS, c.IPV6_TCLASS)
  }
  set tos(value: number) {
    this.#setIpInteger(c.IP_TOS, c.IPV6_TCLASS, validate.integer(value, 'tos', 0, 255))
  }

  get bindToDevice(): string {
    return textOption(this.#descriptor(), c.SOL_SOCKET, c.SO_BINDTODEVICE)
  }
  set bindToDevice(name: string) {
    if (name !== '') validate.text(name, 'bindToDevice')
    if (name.length > MAX_INTERFACE_NAME_BYTES) {
      const message = `bindToDevice must be an interface name of at most ${MAX_INTERFACE_NAME_BYTES} characters`
      throw typeError('ERR_INVALID_ARG_VALUE', `${message}; ${received(name)}`)
    }
    setTextOption(this.#descriptor(), c.SOL_SOCKET, c.SO_BINDTODEVICE, name)
  }

  get mtuDiscover(): MtuDiscover {
    return MTU_DISCOVER[this.#ipInteger(c.IP_MTU_DISCOVER, c.IPV6_MTU_DISCOVER)]
  }
  set mtuDiscover(mode: MtuDiscover) {
    const value = MTU_DISCOVER.indexOf(validate.oneOf(mode, 'mtuDiscover', MTU_DISCOVER))
    this.#setIpInteger(c.IP_MTU_DISCOVER, c.IPV6_MTU_DISCOVER, value)
  }

  get priority(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_PRIORITY)
  }
  set priority(value: number) {
    this.#setInteger(c.SO_PRIORITY, validate.integer(value, 'priority', 0, 2 ** 31 - 1))
  }

  get mark(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_MARK) >>> 0
  }
  set mark(value: number) {
    this.#setInteger(c.SO_MARK, validate.integer(value, 'mark', 0, 2 ** 32 - 1))
  }

  get maxPacingRate(): number {
    const rate = this.#integer(c.SOL_SOCKET, c.SO_MAX_PACING_RATE) >>> 0
    return rate === UNLIMITED_RATE ? Number.POSITIVE_INFINITY : rate
  }
  set maxPacingRate(bytesPerSecond: number) {
    const isUnlimited = bytesPerSecond === Number.POSITIVE_INFINITY
    const rate = isUnlimited ? UNLIMITED_RATE : validate.integer(bytesPerSecond, 'maxPacingRate', 1, UNLIMITED_RATE - 1)
    this.#setInteger(c.SO_MAX_PACING_RATE, rate)
  }

  get busyPollUs(): number {
    return this.#integer(c.SOL_SOCKET, c.SO_BUSY_POLL)
  }
  set busyPollUs(microseconds: number) {
    this.#setInteger(c.SO_BUSY_POLL, validate.integer(microseconds, 'busyPollUs', 0, 2 ** 31 - 1))
  }

  /** MTU of the path in bytes. Requires a connected socket. Read-only. */
  get mtu(): number {
    return this.#ipInteger(c.IP_MTU, c.IPV6_MTU)
  }

  get multicastTtl(): number {
    return this.#ipInteger(c.IP_MULTICAST_TTL, c.IPV6_MULTICAST_HOPS)
  }
  set multicastTtl(hops: number) {
    const value = validate.integer(hops, 'multicastTtl', 0, 255)
    this.#setIpInteger(c.IP_MULTICAST_TTL, c.IPV6_MULTICAST_HOPS, value)
  }

  get multicastLoop(): boolean {
    return this.#ipInteger(c.IP_MULTICAST_LOOP, c.IPV6_MULTICAST_LOOP) !== 0
  }
  set multicastLoop(on: boolean) {
    const value = validate.boolean(on, 'multicastLoop') ? 1 : 0
    this.#setIpInteger(c.IP_MULTICAST_LOOP, c.IPV6_MULTICAST_LOOP, value)
  }

  get multicastAll(): boolean {
    return this.#ipInteger(c.IP_MULTICAST_ALL, c.IPV6_MULTICAST_ALL) !== 0
  }
  set multicastAll(on: boolean) {
    // An IPv6 socket also receives IPv4, by the IPv4 setting.
    setIntegerOption(this.#descriptor(), c.IPPROTO_IP, c.IP_MULTICAST_ALL, validate.boolean(on, 'multicastAll') ? 1 : 0)
    if (this.#family === 'ipv6') this.#setIpInteger(c.IP_MULTICAST_ALL, c.IPV6_MULTICAST_ALL, on ? 1 : 0)
  }

  set multicastInterface(on: Interface) {
    setMulticastInterface(this.#descriptor(), this.#family, on)
  }

  #integer(level: number, name: number): number {
    return integerOption(this.#descriptor(), level, name)
  }

  #setInteger(name: number, value: number): void {
    setIntegerOption(this.#descriptor(), c.SOL_SOCKET, name, value)
  }

  #setBoolean(level: number, name: number, on: boolean, what: string): void {
    setIntegerOption(this.#descriptor(), level, name, validate.boolean(on, what) ? 1 : 0)
  }

  #ipInteger(ipv4: number, ipv6: number): number {
    return this.#family === 'ipv4' ? this.#integer(c.IPPROTO_IP, ipv4) : this.#integer(c.IPPROTO_IPV6, ipv6)
  }

  #setIpInteger(ipv4: number, ipv6: number, value: number): void {
    if (this.#family === 'ipv4') setIntegerOption(this.#descriptor(), c.IPPROTO_IP, ipv4, value)
    else setIntegerOption(this.#descriptor(), c.IPPROTO_IPV6, ipv6, value)
  }

  // SO_RCVBUFFORCE may exceed net.core.rmem_max but requires CAP_NET_ADMIN. Without it the kernel limits the value silently.
  #setBuffer(force: number, plain: number, value: number, name: string): void {
    const bytes = validate.integer(value, name, 1, 2 ** 30)
    const fd = this.#descriptor()
    try {
      setIntegerOption(fd, c.SOL_SOCKET, force, bytes)
    } catch (error) {
      if (!(error instanceof ErrnoError) || error.code !== 'EPERM') throw error
      setIntegerOption(fd, c.SOL_SOCKET, plain, bytes)
      if (plain === c.SO_RCVBUF) warnOfReceiveBuffer(bytes, this.receiveBufferBytes)
    }
  }
}

/** Names of all settings, in the order in which `open` applies them. */
export const SETTING_NAMES = [
  'reuseAddress',
  'reusePort',
  'incomingCpu',
  'broadcast',
  'ipv6Only',
  'receiveBufferBytes',
  'sendBufferBytes',
  'ttl',
  'tos',
  'bindToDevice',
  'mtuDiscover',
  'priority',
  'mark',
  'maxPacingRate',
  'busyPollUs',
  'multicastTtl',
  'multicastLoop',
  'multicastAll',
  'multicastInterface',
] as const satisfies readonly (keyof SocketSettings)[]

/** Names of the kernel's values 0 to 5 (linux/in.h, from IP_PMTUDISC_DONT on). */
export const MTU_DISCOVER = ['dont', 'want', 'do', 'probe', 'interface', 'omit'] as const

/** Value of SO_MAX_PACING_RATE that means no limit. */
const UNLIMITED_RATE = 2 ** 32 - 1

/** Maximum length of an interface name: IFNAMSIZ without its NUL. */
const MAX_INTERFACE_NAME_BYTES = 15
