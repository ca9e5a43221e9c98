import * as dgram from 'node:dgram'

// A module that deviates from node:dgram in a few places. The comparison must find each.

class Socket extends dgram.Socket {
  override bind(...args: never[]): this {
    try {
      return super.bind(...args)
    } catch (error) {
      Object.assign(error as Error, { code: 'ERR_SOCKET_BOUND' })
      throw error
    }
  }

  override address() {
    const { address, family, port } = super.address()
    return { port, family, address }
  }

  override close(callback?: () => void): this {
    this.emit('close')
    return super.close(callback)
  }
}

export function createSocket(type: dgram.SocketOptions, listener?: () => void): Socket {
  const Unsafe = Socket as unknown as new (type: dgram.SocketOptions, listener?: () => void) => Socket
  return new Unsafe(type, listener)
}

export { Socket }
