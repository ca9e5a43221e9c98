/** Receives a socket from its parent with node:dgram, and sends back the sizes of the first 40 datagrams. */
import type { Socket } from 'node:dgram'

process.on('message', (message, handle) => {
  if (message === 'port?') return
  const socket = handle as unknown as Socket
  const sizes: number[] = []
  socket.on('message', (bytes) => {
    sizes.push(bytes.length)
    if (sizes.length < 40) return
    process.send?.(sizes)
    socket.close()
    process.disconnect()
  })
  process.on('message', () => process.send?.(socket.address().port))
  process.send?.('ready')
})
