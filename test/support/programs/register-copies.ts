import { cpSync } from 'node:fs'
import { join } from 'node:path'

// Registers two copies of the package, as when a dependency has its own copy, and unregisters them in both orders.

const dgram = require('node:dgram')
const SOURCE = join(__dirname, '../../../src')
const COPY = join(__dirname, '../../../copy-of-src')

const node = { createSocket: dgram.createSocket, prototype: dgram.Socket.prototype }

/** Returns the number of prototypes between a new socket and Node's own, and whether the socket batches. */
function describe(): { layers: number; batching: string | undefined; isSocket: boolean; isNodes: boolean } {
  const socket = dgram.createSocket('udp4')
  let layers = 0
  for (let at = Object.getPrototypeOf(socket); at !== node.prototype; at = Object.getPrototypeOf(at)) layers += 1
  const isSocket = socket instanceof dgram.Socket
  const isNodes = dgram.createSocket === node.createSocket && dgram.Socket.prototype === node.prototype
  socket.close()
  return { layers, batching: socket.batching?.available, isSocket, isNodes }
}

cpSync(SOURCE, COPY, { recursive: true })
const first = require(join(SOURCE, 'dgram/register.js'))
const afterFirst = describe()
const second = require(join(COPY, 'dgram/register.js'))
const afterSecond = describe()
second.unregister()
const secondUndone = describe()
first.unregister()
const firstUndone = describe()
first.register()
first.register()
const again = describe()
first.unregister()
console.log(JSON.stringify({ afterFirst, afterSecond, secondUndone, firstUndone, again, last: describe() }))
