/**
 * Sends and receives eight messages over loopback with one call each, and prints what was received, as JSON. Argument:
 * `wrapper` for the C library's functions, `direct` for syscall(2).
 */
import { RecvBatch, SendBatch } from '../../../src/index.js'
import { check } from '../../../src/libc/check.js'
import { MSG_DONTWAIT } from '../../../src/libc/constants.js'
import { koffi } from '../../../src/libc/koffi.js'
import { libc } from '../../../src/libc/libc.js'
import { directSystemCalls } from '../../../src/libc/system-calls.js'
import { boundSocket } from '../sockets.js'

const calls = process.argv[2] === 'direct' ? directSystemCalls(koffi().load(null)) : libc()
const receiver = boundSocket()
const sender = boundSocket()
const out = new SendBatch({ capacity: 8, slotBytes: 64 })
for (let index = 0; index < 8; index += 1) out.append(`message ${index}`, receiver.localAddress)
const inbox = new RecvBatch({ capacity: 8, slotBytes: 64 })

const sent = check(calls.sendmmsg(sender.fd, out.slots.headerAddress(0), 8, MSG_DONTWAIT), 'sendmmsg')
inbox.slots.prepare()
const received = check(calls.recvmmsg(receiver.fd, inbox.slots.headersAddress, 8, MSG_DONTWAIT, 0), 'recvmmsg')
inbox.slots.fill(received)
process.stdout.write(JSON.stringify({ sent, received, texts: Array.from(inbox, ({ bytes }) => bytes.toString()) }))
