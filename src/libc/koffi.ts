import type * as Koffi from 'koffi'
import { typeError } from '../arguments/errors.js'

/**
 * Returns Koffi, loaded on first use: importing batchconn works everywhere, and only opening a socket requires Linux.
 *
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` with the reason
 */
export function koffi(): typeof Koffi {
  loaded ??= load()
  return loaded
}

function load(): typeof Koffi {
  if (process.platform !== 'linux') {
    throw typeError(
      'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      `batchconn requires Linux (sendmmsg and recvmmsg are Linux system calls); this is ${process.platform}`,
    )
  }
  try {
    return requireKoffi()
  } catch (cause) {
    const error = typeError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', `batchconn cannot load koffi: ${reasonOf(cause)}`)
    error.cause = cause
    throw error
  }
}

// Outside the `try`: Rollup does not convert a `require` in a `try` block, and ES modules have no `require`.
function requireKoffi(): typeof Koffi {
  return require('koffi') as typeof Koffi
}

function reasonOf(cause: unknown): string {
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: '', message: `${cause}` }
  const [firstLine] = message.split('\n', 1)
  const advice = ADVICE.find(({ pattern }) => pattern.test(`${code} ${firstLine}`))?.text
  return advice === undefined ? firstLine : `${firstLine} (${advice})`
}

const ADVICE = [
  {
    pattern: /ERR_DLOPEN_DISABLED|ERR_ACCESS_DENIED/,
    text: 'native addons are disabled: run node without --no-addons, or with --allow-addons and --allow-fs-read of node_modules',
  },
  {
    pattern: /Cannot find module 'koffi'/,
    text: 'install the package koffi; if you use a bundler, mark koffi as external',
  },
  {
    // A bundler that makes an ES module: Rollup, esbuild.
    pattern: /__(file|dir)name is not defined|Dynamic require of/,
    text: 'if you use a bundler, mark koffi as external',
  },
  {
    pattern: /MODULE_NOT_FOUND|Cannot find .*koffi/i,
    text:
      `koffi has no prebuilt binary for ${process.platform}-${process.arch} here: it is an optional dependency of koffi, ` +
      'so install without --omit=optional; if you use a bundler, mark koffi as external',
  },
]

let loaded: typeof Koffi | undefined
