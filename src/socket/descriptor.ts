import { typeError } from '../arguments/errors.js'
import {
  type Endpoint,
  type EndpointLike,
  endpoint,
  endpointFromSockaddr,
  type Family,
  sockaddrWords,
} from '../endpoint/endpoint.js'
import { check, lastErrno } from '../libc/check.js'
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  ENOTCONN,
  IPPROTO_UDP,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_DGRAM,
  SOCKADDR_STORAGE_BYTES,
  SOL_SOCKET,
} from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'
import { integerOption } from './option.js'

/**
 * Returns the address family of an existing descriptor.
 *
 * @throws ErrnoError `EBADF`, `ENOTSOCK`; TypeError `ERR_INVALID_FD_TYPE` if it is not a UDP socket
 */
export function familyOfDescriptor(fd: number): Family {
  const type = integerOption(fd, SOL_SOCKET, SO_TYPE)
  const domain = integerOption(fd, SOL_SOCKET, SO_DOMAIN)
  const protocol = integerOption(fd, SOL_SOCKET, SO_PROTOCOL)
  const isInternet = domain === AF_INET || domain === AF_INET6
  if (type !== SOCK_DGRAM || protocol !== IPPROTO_UDP || !isInternet) {
    throw typeError('ERR_INVALID_FD_TYPE', `descriptor ${fd} is a socket, but not a UDP one over IPv4 or IPv6`)
  }
  return domain === AF_INET ? 'ipv4' : 'ipv6'
}

/** Returns the endpoint of an address. @throws TypeError `ERR_ADDRESS_FAMILY` if it has another family than the socket */
export function endpointOf(address: EndpointLike, family: Family): Endpoint {
  const made = endpoint(address)
  if (made.family === family) return made
  throw typeError('ERR_ADDRESS_FAMILY', `the socket is ${family}; ${made} is an ${made.family} address`)
}

/** Binds a descriptor (bind(2)). */
export function bindDescriptor(fd: number, address: Endpoint): void {
  const { address: text, port } = address
  check(libc().bind(fd, writeSockaddr(address), address.byteLength), 'bind', { address: text, port })
}

/** Sets the default destination (connect(2)); only datagrams from there are received. */
export function connectDescriptor(fd: number, address: Endpoint): void {
  const { address: text, port } = address
  check(libc().connect(fd, writeSockaddr(address), address.byteLength), 'connect', { address: text, port })
}

/** Removes the default destination (connect(2) with AF_UNSPEC). */
export function disconnectDescriptor(fd: number): void {
  const { slabs, bytes } = scratch()
  const { offset, address, byteLength } = slabs.address
  bytes.fill(AF_UNSPEC, offset, offset + byteLength)
  check(libc().connect(fd, address, 16), 'connect')
}

/** Returns the local address (getsockname(2)); undefined if it is not an IP address. */
export function localEndpoint(fd: number): Endpoint | undefined {
  const { slabs } = scratch()
  check(libc().getsockname(fd, slabs.address.address, armLength()), 'getsockname')
  return readSockaddr()
}

/** Returns the connected peer (getpeername(2)); undefined if the socket is not connected. */
export function remoteEndpoint(fd: number): Endpoint | undefined {
  const { slabs } = scratch()
  if (libc().getpeername(fd, slabs.address.address, armLength()) < 0) {
    const errno = lastErrno()
    if (errno === ENOTCONN) return undefined
    throw new ErrnoError(errno, 'getpeername')
  }
  return readSockaddr()
}

function writeSockaddr(from: Endpoint): number {
  const { slabs, words } = scratch()
  words.set(sockaddrWords(from), slabs.address.offset / 4)
  return slabs.address.address
}

function armLength(): number {
  const { slabs, view } = scratch()
  view.setUint32(slabs.length.offset, SOCKADDR_STORAGE_BYTES, true)
  return slabs.length.address
}

function readSockaddr(): Endpoint | undefined {
  const { slabs, view } = scratch()
  return endpointFromSockaddr(view, slabs.address.offset, view.getUint32(slabs.length.offset, true))
}
