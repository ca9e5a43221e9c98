import t from 'tap'
import { destinations } from '../../src/dgram/destinations.js'

t.test('the endpoint of a destination is made once per thread', async (t) => {
  const found = destinations.udp4.find('192.0.2.7', 9)
  t.equal(String(found), '192.0.2.7:9')
  t.equal(destinations.udp4.find('192.0.2.7', 9), found)
  t.not(destinations.udp4.find('192.0.2.7', 10), found)
  t.equal(destinations.udp6.find('192.0.2.7', 9), undefined, 'the wrong family')
})

t.test('a link-local destination is made for each message: another interface may have the name by then', async (t) => {
  const found = destinations.udp6.find('fe80::1%lo', 9)
  t.equal(String(found), '[fe80::1%lo]:9')
  t.not(destinations.udp6.find('fe80::1%lo', 9), found)
  t.equal(destinations.udp6.find('fe80::1%nointerface', 9), undefined)
})

t.test('more destinations than are kept', async (t) => {
  for (let index = 0; index < 70_000; index += 1) {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
    if (String(destinations.udp4.find(address, 9)) !== `${address}:9`) t.fail(address)
  }
  t.equal(String(destinations.udp4.find('10.0.0.1', 9)), '10.0.0.1:9')
})
