import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'

/**
 * Writes values as text, so that two runs of the same behaviour give the same text. Values that differ by chance (a
 * port chosen by the kernel) get a name by order of appearance. Nothing else is left out.
 */
export class Observer {
  readonly #ports = new Map<number, string>()
  readonly #named = new Map<object, string>()

  /** Registers a name, by which the object is written from now on. */
  name(object: object, name: string): void {
    this.#named.set(object, name)
  }

  text(value: unknown): string {
    return inspect(this.#plain(value), { depth: 8, breakLength: Number.POSITIVE_INFINITY, compact: true })
  }

  #plain(value: unknown): unknown {
    if (typeof value === 'string') return this.#withoutPorts(value)
    if (typeof value === 'function') return verbatim('<function>')
    if (typeof value !== 'object' || value === null) return value
    const name = this.#named.get(value)
    if (name !== undefined) return verbatim(`<${name}>`)
    if (value instanceof Error) return verbatim(this.#error(value))
    if (Buffer.isBuffer(value)) return verbatim(`<Buffer ${bytesText(value)}>`)
    if (Array.isArray(value)) return value.map((item) => this.#plain(item))
    if (value instanceof EventEmitter) return verbatim('<emitter>')
    if (ArrayBuffer.isView(value) || value instanceof Promise) return value
    return this.#properties(value)
  }

  /** Own properties in their order. A property that is undefined differs from a missing one. */
  #properties(value: object): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        key === 'port' && isEphemeral(item) ? verbatim(this.#port(item)) : this.#plain(item),
      ]),
    )
  }

  #error(error: Error): string {
    const kind = ERROR_KINDS.find((kind) => error instanceof kind) ?? Error
    const properties = this.#properties(error)
    return `${kind.name}(${this.#withoutPorts(String(error))}) ${inspect(properties, { depth: 8, breakLength: Number.POSITIVE_INFINITY })}`
  }

  #withoutPorts(text: string): string {
    return text.replace(/(?<=:)\d{5}\b/g, (digits) => (isEphemeral(digits) ? this.#port(Number(digits)) : digits))
  }

  #port(port: number | string): string {
    const known = this.#ports.get(Number(port)) ?? `<port ${this.#ports.size + 1}>`
    this.#ports.set(Number(port), known)
    return typeof port === 'string' ? `'${known}'` : known
  }
}

/** Writes few bytes as they are, many as their number and hash. */
function bytesText(bytes: Buffer): string {
  if (bytes.length <= 200) return inspect(bytes.toString('latin1'))
  return `of ${bytes.length}, ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}

/** Text that `inspect` writes without quotes. */
function verbatim(text: string): object {
  return { [inspect.custom]: () => text }
}

/** True for a port that the kernel may have chosen, as a number or as text. */
function isEphemeral(port: unknown): port is number | string {
  return /^\d{5}$/.test(String(port)) && Number(port) >= LOWEST && Number(port) <= HIGHEST
}

const [LOWEST = 32768, HIGHEST = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  .trim()
  .split(/\s+/)
  .map(Number)

const ERROR_KINDS = [TypeError, RangeError, SyntaxError, AggregateError]
