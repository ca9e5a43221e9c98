import t from 'tap'
import { structs } from '../../src/libc/structs.js'

/** Sizes and offsets of glibc's headers on a 64-bit machine (sizeof and offsetof in C). */
const LP64 = {
  pointerBytes: 8,
  iovec: { base: 0, length: 8, bytes: 16 },
  msghdr: { name: 0, nameLength: 8, iov: 16, iovLength: 24, control: 32, controlLength: 40, flags: 48, bytes: 56 },
  mmsghdr: { header: 0, length: 56, bytes: 64 },
  cmsghdr: { length: 0, level: 8, type: 12, bytes: 16 },
  sockaddrIn: { family: 0, port: 2, address: 4, bytes: 16 },
  sockaddrIn6: { family: 0, port: 2, flowInfo: 4, address: 8, scopeId: 24, bytes: 28 },
  ipMreqn: { interfaceIndex: 8, bytes: 12 },
  groupReq: { interfaceIndex: 0, group: 8, bytes: 136 },
  groupSourceReq: { interfaceIndex: 0, group: 8, source: 136, bytes: 264 },
  pollfd: { fd: 0, events: 4, revents: 6, bytes: 8 },
  epollEvent: process.arch === 'x64' ? { events: 0, data: 4, bytes: 12 } : { events: 0, data: 8, bytes: 16 },
}

const is64Bit = ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)

t.test(
  'the layouts are those of the C headers',
  { skip: is64Bit ? false : `no table for ${process.arch}` },
  async (t) => {
    const found: Record<string, unknown> = { ...structs() }
    for (const [name, layout] of Object.entries(LP64)) t.strictSame(found[name], layout, name)
  },
)

t.test('the layouts are computed once', async (t) => {
  t.equal(structs(), structs())
})
