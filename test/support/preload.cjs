// `.taprc` loads this into each test file's process. TypeScript is compiled once, into .tap/js, instead of in each
// process, and the entry is loaded by `require`: what tap loads by --import is for coverage and module mocks, and takes
// longer than most tests.
const Module = require('node:module')
const { readFileSync } = require('node:fs')
const { compileFile } = require('./compile.cjs')

Module._extensions['.ts'] = (module, filename) => {
  module._compile(readFileSync(compileFile(filename), 'utf8'), filename)
}

const resolve = Module._resolveFilename
Module._resolveFilename = function (request, parent, ...rest) {
  if (/^\..*\.js$/.test(request) && parent?.filename?.endsWith('.ts')) {
    try {
      return resolve.call(this, request.replace(/js$/, 'ts'), parent, ...rest)
    } catch {}
  }
  return resolve.call(this, request, parent, ...rest)
}

const runMain = Module.runMain
Module.runMain = (main = process.argv[1]) => {
  if (main.endsWith('.ts')) Module._load(main, null, true)
  else runMain(main)
}

// For the processes and workers of a test.
const isOfTap = (word) => word.startsWith('--import=') && word.includes('/@tapjs/')
const nodeOptions = (process.env.NODE_OPTIONS ?? '').split(' ').filter((word) => !isOfTap(word.replaceAll('"', '')))
process.env.NODE_OPTIONS = nodeOptions.join(' ')
process.env.TAP_TYPE_STRIP_ONLY = '1'
process.execArgv = process.execArgv.filter((word) => !isOfTap(word))
