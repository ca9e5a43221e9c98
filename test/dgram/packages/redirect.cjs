// Preloaded: replaces dgram by the module that DGRAM_MODULE names. It works for CommonJS importers, however they name
// dgram, also if a package's ESM imports them.
const Module = require('node:module')
const { relative, sep } = require('node:path')

const replacement = require(process.env.DGRAM_MODULE)
const folder = require('node:path').dirname(process.env.DGRAM_MODULE) + sep
const load = Module._load

/** Packages that imported dgram. */
const importers = new Set()

Module._load = function (request, parent, ...rest) {
  const asked = request === 'dgram' || request === 'node:dgram'
  // The replacement itself imports the original.
  if (!asked || parent?.filename?.startsWith(folder)) return load.call(this, request, parent, ...rest)
  importers.add(packageOf(parent?.filename ?? ''))
  return replacement
}

process.on('exit', () => {
  if (process.env.DGRAM_IMPORTERS)
    require('node:fs').writeFileSync(process.env.DGRAM_IMPORTERS, JSON.stringify([...importers]))
})

function packageOf(path) {
  const parts = relative(process.cwd(), path).split(sep)
  const at = parts.lastIndexOf('node_modules')
  return at < 0 ? parts.at(-1) : parts[at + 1]
}
