import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

/** Name of the installed Chromium; undefined if there is none. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)

export interface Screen {
  readonly width: number
  readonly height: number
  readonly dark: boolean
}

/** A browser without a window, controlled over a pipe (Chrome DevTools Protocol). */
export class Browser implements AsyncDisposable {
  readonly #profile = mkdtempSync(join(tmpdir(), 'batchconn-test-browser-'))
  readonly #process
  readonly #input: Duplex
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #onLoad = () => {}
  #ids = 0

  constructor() {
    const words = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe']
    // Chromium reads requests from descriptor 3 and writes answers to 4, each closed by a zero byte.
    this.#process = spawn(CHROMIUM ?? '', [...words, `--user-data-dir=${this.#profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const [, , , input, output] = this.#process.stdio
    this.#input = input as Duplex
    let rest = ''
    ;(output as Duplex).setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0')
      rest = messages.pop() ?? ''
      for (const message of messages) this.#take(JSON.parse(message))
    })
    this.#process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser has ended'))
    })
  }

  /** Shows a page on a screen of this size. @param expression - evaluated in the page; `height` of its value is that of the picture (PNG) */
  async show<T extends { height: number }>(
    url: string,
    screen: Screen,
    expression: string,
  ): Promise<{ value: T; picture: Buffer }> {
    const { targetId } = await this.#ask<{ targetId: string }>('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.#ask<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    const ask = <R>(method: string, parameters: object = {}) => this.#ask<R>(method, parameters, sessionId)
    const { width, height, dark } = screen
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
    await ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 })
    await ask('Emulation.setEmulatedMedia', { features })
    await ask('Page.enable')
    const loaded = new Promise<void>((resolve) => {
      this.#onLoad = resolve
    })
    await ask('Page.navigate', { url })
    await loaded
    type Evaluated = { result: { value: T }; exceptionDetails?: { exception: { description: string } } }
    const { result, exceptionDetails } = await ask<Evaluated>('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception.description)
    const clip = { x: 0, y: 0, width, height: result.value.height, scale: 1 }
    const { data } = await ask<{ data: string }>('Page.captureScreenshot', { captureBeyondViewport: true, clip })
    await this.#ask('Target.closeTarget', { targetId })
    return { value: result.value, picture: Buffer.from(data, 'base64') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit')
      await this.#ask('Browser.close', {})
      await gone
    }
    // Its own child processes may write for a moment longer.
    rmSync(this.#profile, { recursive: true, maxRetries: 20, retryDelay: 100 })
  }

  #ask<R>(method: string, parameters: object, sessionId?: string): Promise<R> {
    this.#ids += 1
    const id = this.#ids
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#input.write(`${JSON.stringify({ id, method, params: parameters, sessionId })}\0`)
    })
  }

  #take(message: { id?: number; method?: string; result?: never; error?: { message: string } }): void {
    if (message.method === 'Page.loadEventFired') this.#onLoad()
    if (message.id === undefined) return
    const { resolve, reject } = this.#waiting.get(message.id) ?? {}
    this.#waiting.delete(message.id)
    if (message.error !== undefined) reject?.(new Error(message.error.message))
    else resolve?.(message.result as never)
  }
}
