import t from 'tap'
import { structs } from '../../src/libc/structs.js'
import { scratch } from '../../src/memory/scratch.js'

t.test('the scratch memory is one block, created once', async (t) => {
  t.equal(scratch(), scratch())
})

t.test('each part has space for the largest structure it is used for', async (t) => {
  const { slabs } = scratch()
  const table: [what: string, has: number, needs: number][] = [
    ['struct sockaddr_storage', slabs.address.byteLength, 128],
    ['socklen_t', slabs.length.byteLength, 4],
    ['struct group_source_req', slabs.value.byteLength, structs().groupSourceReq.bytes],
    ['INET6_ADDRSTRLEN', slabs.text.byteLength, 46],
    ['IF_NAMESIZE', slabs.text.byteLength, 16],
  ]
  for (const [what, has, needs] of table) t.ok(has >= needs, `${what}: ${has} of ${needs}`)
})
