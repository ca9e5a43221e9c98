// Sends metrics with hot-shots, one datagram each, as fast as it can.
const { StatsD } = require('hot-shots')

const [port, count] = process.argv.slice(2).map(Number)
const client = new StatsD({ host: '127.0.0.1', port })
let sent = 0

function sendSome() {
  for (let index = 0; index < 100; index += 4) {
    client.increment(`requests.${index}`)
    client.timing('latency', index)
    client.gauge('connections', index)
    client.set('users', index)
  }
  sent += 100
  if (sent < count) setImmediate(sendSome)
  else client.close(() => console.log(`sent ${sent}`))
}

console.log('sending')
sendSome()
