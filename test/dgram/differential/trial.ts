import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Observer } from './observe.js'
import { type ChildEnd, runnable, runProgram } from './program.js'
import type { AnyFunction, Dgram, Socket } from './types.js'

/** One run of one case on one module. Creates sockets, and writes down everything observable of them. */
export class Trial {
  readonly lines: string[] = []
  readonly dgram: Dgram
  readonly #modulePath: string
  readonly #observer = new Observer()
  readonly #sockets: Socket[] = []
  #ended = false

  constructor(dgram: Dgram, modulePath: string) {
    this.dgram = dgram
    this.#modulePath = modulePath
  }

  /** Writes down an observation. */
  log(label: string, ...values: unknown[]): void {
    if (!this.#ended) this.lines.push([label, ...values.map((value) => this.#observer.text(value))].join(' '))
  }

  /** Calls a function, and writes down what it returns or throws. */
  attempt<T>(label: string, call: () => T): T | undefined {
    try {
      const result = call()
      this.log(`${label} returned`, result)
      return result
    } catch (error) {
      this.log(`${label} threw`, error)
      return undefined
    }
  }

  /** Creates a socket whose events are all written down. */
  socket(options: unknown = 'udp4', name = 'socket', ...rest: unknown[]): Socket {
    const socket = this.plain(options, name, ...rest)
    for (const event of ['listening', 'connect', 'message', 'error', 'close']) {
      socket.on(event, (...args) => this.log(`${name} '${event}'`, ...args))
    }
    return socket
  }

  /** Creates a socket without listeners: an 'error' event is an uncaught exception. */
  plain(options: unknown = 'udp4', name = 'socket', ...rest: unknown[]): Socket {
    return this.adopt(this.dgram.createSocket(options, ...rest), name)
  }

  /** Gives a socket a name, and closes it at the end of the case. */
  adopt(socket: Socket, name: string): Socket {
    this.#observer.name(socket, name)
    this.#sockets.push(socket)
    return socket
  }

  /** Creates a socket bound to a loopback port. */
  async bound(options: unknown = 'udp4', name = 'socket'): Promise<Socket> {
    const socket = this.socket(options, name)
    const type = typeof options === 'string' ? options : (options as { type: string }).type
    socket.bind(0, LOOPBACK[type])
    await once(socket, 'listening')
    return socket
  }

  /** Creates a bound socket, and another connected to it. */
  async connected(type = 'udp4'): Promise<{ peer: Socket; socket: Socket }> {
    const peer = await this.bound(type, 'peer')
    const socket = this.socket(type)
    socket.connect(peer.address().port, LOOPBACK[type])
    await once(socket, 'connect')
    return { peer, socket }
  }

  /**
   * Returns a callback that writes down its arguments, and which socket is its `this`. Any other `this` is left out:
   * for the callback of a send it is undefined or a request object, depending on whether the send was completed at
   * once.
   */
  callback(label = 'callback'): (...args: unknown[]) => void {
    const trial = this
    return function (this: unknown, ...args: unknown[]) {
      if (trial.#sockets.includes(this as Socket)) trial.log(`${label} of`, this, args)
      else trial.log(label, args)
    }
  }

  /** Writes down when the loop runs the ticks and immediates that are queued now. */
  markIterations(): void {
    process.nextTick(() => this.log('-- next tick'))
    setImmediate().then(() => this.log('-- immediate'))
  }

  /** Waits for several whole iterations of the event loop, in which pending operations complete. */
  async settle(iterations = 4): Promise<void> {
    for (let iteration = 0; iteration < iterations; iteration += 1) {
      await setTimeout(4)
      await setImmediate()
    }
  }

  /**
   * Waits for a condition without a time limit.
   *
   * @throws Error if the trial has ended: what the case would send later could reach another trial's socket on the same port
   */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      if (this.#ended) throw new Error('the trial has ended')
      await this.settle(1)
    }
  }

  /** Waits until the output has `count` lines with this beginning. */
  async seen(beginning: string, count = 1): Promise<void> {
    await this.until(() => this.lines.filter((line) => line.startsWith(beginning)).length >= count)
  }

  /** Returns a port without a socket. */
  async freePort(type: 'udp4' | 'udp6' = 'udp4'): Promise<number> {
    const socket = createSocket(type).bind(0, LOOPBACK[type])
    await once(socket, 'listening')
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(resolve))
    return port
  }

  /**
   * Runs a program in its own process, with the module as `dgram`, and writes down how it ended.
   *
   * @param further - arguments after the module's exports and path, as JSON
   */
  async program(source: AnyFunction, ...further: unknown[]): Promise<ChildEnd> {
    const end = await runProgram(source, this.#modulePath, further)
    this.log('the process', end)
    return end
  }

  /**
   * Runs a function in a worker thread. Its arguments are the module's exports, a function that logs, and further ones.
   * Logs its uncaught error and its end, for which `ended` waits.
   */
  worker(source: AnyFunction, ...further: unknown[]): Thread {
    const args = ['require(workerData.path)', 'say', '...workerData.further'].join(', ')
    const text = `const { parentPort, workerData } = require('node:worker_threads')
      const say = (...said) => parentPort.postMessage({ said })
      ;(${source})(${args})`
    const workerData = { path: runnable(this.#modulePath), further }
    const worker = new Worker(text, {
      eval: true,
      workerData,
      execArgv: ['--no-deprecation'],
      env: { NODE_OPTIONS: '' },
    })
    const all: unknown[][] = []
    worker.on('message', ({ said }) => {
      all.push(said)
      this.log('worker', ...said)
    })
    worker.on('error', (error) => this.log("worker 'error'", error))
    worker.on('exit', (code) => this.log("worker 'exit'", code))
    return { worker, said: all, ended: new Promise((resolve) => worker.once('exit', resolve)) }
  }

  /** Stops writing, and closes every socket. */
  async end(): Promise<void> {
    this.#ended = true
    for (const socket of this.#sockets) {
      // A handler of the case may throw, and a listener that closes twice must not fail the next case.
      socket.removeAllListeners('message')
      socket.on('error', () => {})
      try {
        socket.close()
      } catch {}
    }
    await setImmediate()
  }
}

/** A worker thread of a case. */
export interface Thread {
  readonly worker: Worker
  /** Lines that it has logged. */
  readonly said: readonly unknown[][]
  readonly ended: Promise<unknown>
}

/** Loopback address by type of socket. */
export const LOOPBACK: Readonly<Record<string, string>> = { udp4: '127.0.0.1', udp6: '::1' }
