// A CoAP server with a resource to read, one to write, one to observe and one that requires block-wise transfer; and
// its client.
const { text } = require('node:stream/consumers')
const { setTimeout: wait } = require('node:timers/promises')
const coap = require('coap')
const { next, report } = require('./report.cjs')

const LARGE = 'x'.repeat(20_000)

async function main() {
  const server = coap.createServer((request, response) => answer(request, response))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server._sock.address()
  const agent = new coap.Agent({ type: 'udp4' })
  const ask = (options, body) => exchange({ hostname: '127.0.0.1', port, agent, ...options }, body)

  report('get', await ask({ pathname: '/greeting', query: 'name=coap' }))
  report('post', await ask({ pathname: '/store', method: 'POST' }, 'kept'))
  report('get what was posted', await ask({ pathname: '/store' }))
  report('unconfirmed', await ask({ pathname: '/greeting', query: 'name=non', confirmable: false }))
  report('not there', await ask({ pathname: '/nowhere' }))
  const large = await ask({ pathname: '/large' })
  report('blocks down', { ...large, body: large.body === LARGE })
  report('blocks up', await ask({ pathname: '/length', method: 'PUT' }, LARGE))
  report(
    'at once',
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        ask({ pathname: '/greeting', query: `name=${index}` }).then(({ body }) => body === `hello ${index}`),
      ),
    ),
  )

  const seen = await observe({ hostname: '127.0.0.1', port, agent, pathname: '/clock', observe: true })
  report('observed', seen)

  await new Promise((resolve) => server.close(resolve))
  agent.close()
  report('closed', true)
}

let stored = ''

function answer(request, response) {
  const [path, query = ''] = request.url.split('?')
  if (path === '/greeting') return response.end(`hello ${query.replace('name=', '')}`)
  if (path === '/large') return response.end(LARGE)
  if (path === '/length') return response.end(String(request.payload.length))
  if (path === '/store') {
    if (request.method === 'POST') stored = String(request.payload)
    response.code = request.method === 'POST' ? '2.01' : '2.05'
    return response.end(stored)
  }
  if (path === '/clock') return tick(response)
  response.code = '4.04'
  response.end()
}

/** Sends three notifications to an observer. */
async function tick(response) {
  for (let count = 1; count <= 3; count += 1) {
    response.write(`tick ${count}`)
    await wait(30)
  }
  response.end('no more')
}

async function exchange(options, body) {
  const request = coap.request(options)
  // Requests blocks of 1024 bytes, because the body does not fit into one message.
  if (body?.length > 1024) request.setOption('Block1', Buffer.from([6]))
  const answered = next(request, 'response')
  request.end(body)
  const [response] = await answered
  return { code: response.code, body: await text(response) }
}

async function observe(options) {
  const request = coap.request(options)
  const answered = next(request, 'response')
  request.end()
  const [response] = await answered
  const seen = []
  for await (const chunk of response) {
    seen.push(String(chunk))
    if (seen.length === 4) break
  }
  response.close?.()
  return seen
}

main()
