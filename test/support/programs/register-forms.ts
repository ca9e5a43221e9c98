import { fork } from 'node:child_process'
import type * as dgram from 'node:dgram'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

// Creates a socket in each way that a program can import node:dgram, here, in a worker thread and in a forked process, and
// prints which of them batch.

async function main(): Promise<void> {
  if (!isMainThread) parentPort?.postMessage(await stateOfImports())
  else if (process.argv[2] === 'child') process.send?.(await stateOfImports())
  else if (process.argv[2] === 'alone') console.log(JSON.stringify(await stateOfImports()))
  else console.log(JSON.stringify(await stateEverywhere()))
}

async function stateEverywhere(): Promise<unknown> {
  const here = await stateOfImports()
  const [worker] = await once(new Worker(__filename), 'message')
  const [child] = await once(fork(__filename, ['child']), 'message')
  return { here, worker, child }
}

/** Returns, for each form of import, whether its sockets batch. */
async function stateOfImports(): Promise<Record<string, string>> {
  const forms: Record<string, typeof dgram> = {
    ...Object.fromEntries(['dgram', 'node:dgram'].map((name) => [`require('${name}')`, require(name)])),
    getBuiltinModule: process.getBuiltinModule('node:dgram'),
    ...(await importSource(ES_MODULE)),
  }
  const states: Record<string, string> = {}
  for (const [form, { createSocket, Socket }] of Object.entries(forms)) {
    states[form] = await exchange(createSocket('udp4'))
    const constructed: dgram.Socket = Reflect.construct(Socket, ['udp4'])
    states[`${form} Socket`] = await exchange(constructed)
  }
  return states
}

const ES_MODULE = `
  import dgram, { createSocket, Socket } from 'node:dgram'
  import * as namespace from 'dgram'
  export const exports = {
    'import default': dgram,
    'import named': { createSocket, Socket },
    'import namespace': namespace,
    'import()': await import('node:dgram'),
  }`

async function importSource(source: string): Promise<Record<string, typeof dgram>> {
  // TypeScript would turn import() into require().
  const load = new Function('url', 'return import(url)') as (url: string) => Promise<{ exports: Record<string, never> }>
  return (await load(`data:text/javascript,${encodeURIComponent(source)}`)).exports
}

/** Sends the socket a datagram from itself. Returns whether it batches. */
async function exchange(socket: dgram.Socket): Promise<string> {
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.send('hello', socket.address().port)
  const [message] = await once(socket, 'message')
  if (String(message) !== 'hello') throw new Error(`received '${message}'`)
  socket.close()
  const batching: { available: boolean } | undefined = Reflect.get(socket, 'batching')
  if (batching === undefined) return 'node:dgram'
  return batching.available ? 'on' : 'off'
}

main()
