// Preloaded: from here on, who asks for dgram is given the module that DGRAM_MODULE names. How it is asked for, from
// CommonJS or from a package's ESM, does not matter as long as the module that asks is CommonJS.
const Module = require('node:module')
const { relative, sep } = require('node:path')

const replacement = require(process.env.DGRAM_MODULE)
const folder = require('node:path').dirname(process.env.DGRAM_MODULE) + sep
const load = Module._load

/** Which packages were given it. */
const served = new Set()

Module._load = function (request, parent, ...rest) {
  const asked = request === 'dgram' || request === 'node:dgram'
  // The replacement itself stands on the original.
  if (!asked || parent?.filename?.startsWith(folder)) return load.call(this, request, parent, ...rest)
  served.add(packageOf(parent?.filename ?? ''))
  return replacement
}

process.on('exit', () => {
  if (process.env.DGRAM_SERVED) require('node:fs').writeFileSync(process.env.DGRAM_SERVED, JSON.stringify([...served]))
})

function packageOf(path) {
  const parts = relative(process.cwd(), path).split(sep)
  const at = parts.lastIndexOf('node_modules')
  return at < 0 ? parts.at(-1) : parts[at + 1]
}
