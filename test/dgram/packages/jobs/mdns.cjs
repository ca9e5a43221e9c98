// Two hosts of a local network, as two instances: one answers for a name and a service, the other queries.
const { createSocket } = require('node:dgram')
const multicastDns = require('multicast-dns')
const { next, report } = require('./report.cjs')

const SERVICE = '_printer._udp.local'

async function main() {
  const port = await freePort()
  const options = { port, interface: '127.0.0.1', bind: '0.0.0.0', loopback: true }
  const responder = multicastDns(options)
  const asker = multicastDns(options)
  for (const one of [responder, asker]) one.on('warning', ({ message }) => report('warning', message))
  await Promise.all([responder, asker].map((one) => next(one, 'ready')))

  responder.on('query', ({ questions }) => {
    for (const { name, type } of questions) {
      if (name === 'printer.local' && type === 'A') responder.respond([{ name, type, ttl: 120, data: '192.0.2.10' }])
      if (name === SERVICE && type === 'PTR') responder.respond(service())
    }
  })

  asker.query('printer.local', 'A')
  const [address] = await next(asker, 'response', ({ answers }) => answers[0].type === 'A')
  report('address', address.answers)

  asker.query({ questions: [{ name: SERVICE, type: 'PTR' }] })
  const [found, { address: from, family, size }] = await next(
    asker,
    'response',
    ({ answers }) => answers[0].type === 'PTR',
  )
  report('service', { answers: found.answers, additionals: found.additionals })
  report('from', { from, family, size })

  // Many queries at once: the answers come in the order of the queries.
  const names = Array.from({ length: 50 }, (_, index) => `host-${index}.local`)
  responder.on('query', ({ questions: [{ name }] }) => {
    if (name.startsWith('host-')) responder.respond([{ name, type: 'TXT', ttl: 1, data: Buffer.from(name) }])
  })
  const answered = []
  const all = next(asker, 'response', ({ answers: [{ name, type }] }) => {
    if (type === 'TXT') answered.push(name)
    return answered.length === names.length
  })
  for (const name of names) asker.query(name, 'TXT')
  await all
  report(
    'fifty',
    answered.every((name, index) => name === names[index]),
  )

  await Promise.all([responder, asker].map((one) => new Promise((resolve) => one.destroy(resolve))))
  report('closed', true)
}

function service() {
  const instance = `Office.${SERVICE}`
  return {
    answers: [{ name: SERVICE, type: 'PTR', ttl: 4500, data: instance }],
    additionals: [
      { name: instance, type: 'SRV', ttl: 120, data: { priority: 0, weight: 0, port: 631, target: 'printer.local' } },
    ],
  }
}

function freePort() {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').bind(0, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}

main()
