import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes the ESM wrapper of each entry of package.json that has one. The wrapper re-exports the CommonJS build, so that
 * a program that imports both has one copy of the library. The exported names are read from the built CommonJS file.
 *
 * @returns the files written
 */
export function buildWrappers(root: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, Entry> }
  return Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : buildWrapper(root, entry)))
}

/** An entry of `exports` in package.json: one file, or one file per condition (`import`, `require`). */
type Entry = string | { readonly import: Files; readonly require: Files }

interface Files {
  readonly types: string
  readonly default: string
}

function buildWrapper(root: string, entry: Exclude<Entry, string>): string[] {
  const names = Object.getOwnPropertyNames(require(join(root, entry.require.default))).filter(
    (name) => name !== '__esModule',
  )
  if (names.length === 0) throw new Error(`${entry.require.default} exports nothing`)
  const hasDefault = names.includes('default')
  const named = names.filter((name) => name !== 'default').sort()
  const source = `./${basename(entry.require.default)}`

  const code = [`export { ${[...named, ...(hasDefault ? ['default'] : [])].join(', ')} } from '${source}'`]
  // The default export of a CommonJS module is all of its exports, types included.
  const types = [`export * from '${source}'`, ...(hasDefault ? [`export { default } from '${source}'`] : [])]
  const files = [join(root, entry.import.default), join(root, entry.import.types)] as const
  writeFileSync(files[0], `${code.join('\n')}\n`)
  writeFileSync(files[1], `${types.join('\n')}\n`)
  return [...files]
}

if (require.main === module) buildWrappers(dirname(__dirname))
