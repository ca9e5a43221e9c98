import { getSystemErrorName } from 'node:util'

/** Returns the error of a failed send, with the same message and properties as in node:dgram. */
export function sendError(status: number, address: string | undefined, port: number | undefined): Error {
  const code = getSystemErrorName(status)
  const where = port !== undefined && port > 0 ? ` ${address}:${port}` : address ? ` ${address}` : ''
  const error = new Error(`send ${code}${where}`)
  return Object.assign(error, { errno: status, code, syscall: 'send', address }, port === undefined ? {} : { port })
}

/** Returns the error for an address on a block list. Node's own has the same code. */
export function blockedError(address: string): Error {
  return Object.assign(new Error(`IP(${address}) is blocked by net.BlockList`), { code: 'ERR_IP_BLOCKED' })
}
