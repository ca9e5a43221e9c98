import { typeError } from '../arguments/errors.js'
import { AF_INET, AF_INET6, ENODEV } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'

/** Returns the bytes of a numeric address (inet_pton(3)). The caller has checked that it is numeric. */
export function textToNumeric(text: string, family: 'ipv4' | 'ipv6'): { bytes: Uint8Array; scopeId: number } {
  const [numeric, zone] = text.split('%', 2)
  const { slabs, bytes } = scratch()
  const length = family === 'ipv4' ? 4 : 16
  if (libc().inet_pton(family === 'ipv4' ? AF_INET : AF_INET6, numeric, slabs.address.address) !== 1) {
    throw typeError('ERR_INVALID_ARG_VALUE', `'${text}' is not a numeric address`)
  }
  const { offset } = slabs.address
  return {
    bytes: Uint8Array.from(bytes.subarray(offset, offset + length)),
    scopeId: zone === undefined ? 0 : interfaceIndex(zone),
  }
}

/** Returns the text of a numeric address (inet_ntop(3)): shortest form, lower case (RFC 5952). */
export function numericToText(numeric: Uint8Array, family: 'ipv4' | 'ipv6'): string {
  const { slabs, bytes } = scratch()
  const { text, address } = slabs
  bytes.set(numeric, address.offset)
  libc().inet_ntop(family === 'ipv4' ? AF_INET : AF_INET6, address.address, text.address, text.byteLength)
  return readText()
}

/**
 * Returns the index of a network interface, from its name or from the index as text.
 *
 * @throws ErrnoError `ENODEV` if no interface has that name
 */
export function interfaceIndex(name: string): number {
  if (/^\d{1,9}$/.test(name)) return Number(name)
  const index = libc().if_nametoindex(name)
  if (index === 0) throw new ErrnoError(ENODEV, 'if_nametoindex', { address: name })
  return index
}

/** Returns the name of a network interface; its index as text if the interface no longer exists. */
export function interfaceName(index: number): string {
  return libc().if_indextoname(index, scratch().slabs.text.address) === 0 ? String(index) : readText()
}

function readText(): string {
  const { slabs, bytes } = scratch()
  const { offset } = slabs.text
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset))
}
