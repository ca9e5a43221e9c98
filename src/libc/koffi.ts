import type * as Koffi from 'koffi'
import { typeError } from '../arguments/errors.js'
import { keepLoaded } from './keep-loaded.js'

/**
 * Koffi, loaded on first use: importing batchconn works everywhere, and only opening a socket asks for Linux.
 *
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` with what is missing
 */
export function koffi(): typeof Koffi {
  loaded ??= load()
  return loaded
}

function load(): typeof Koffi {
  if (process.platform !== 'linux') {
    throw typeError(
      'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      `batchconn needs Linux (sendmmsg and recvmmsg are Linux system calls); this is ${process.platform}`,
    )
  }
  try {
    const koffi = require('koffi') as typeof Koffi
    keepLoaded(koffi)
    return koffi
  } catch (cause) {
    const error = typeError(
      'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      `batchconn needs the package koffi with its prebuilt binary for ${process.platform}-${process.arch} ` +
        '(an optional dependency of koffi: install without --omit=optional)',
    )
    error.cause = cause
    throw error
  }
}

let loaded: typeof Koffi | undefined
