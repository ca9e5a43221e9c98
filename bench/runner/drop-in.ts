/** The library's other public door: what `batchconn/dgram` is to those who install it. */
export { createSocket } from '../../src/dgram/index.js'
