import type { Case } from '../case.js'
import { bind } from './bind.js'
import { close } from './close.js'
import { closeInBatch } from './close-in-batch.js'
import { connect } from './connect.js'
import { contexts } from './contexts.js'
import { create } from './create.js'
import { descriptors } from './descriptors.js'
import { ends } from './ends.js'
import { inheritance } from './inheritance.js'
import { ipv6 } from './ipv6.js'
import { laterVersions } from './later-versions.js'
import { listeners } from './listeners.js'
import { lookup } from './lookup.js'
import { message } from './message.js'
import { multicast } from './multicast.js'
import { newer } from './newer.js'
import { options } from './options.js'
import { order } from './order.js'
import { processes } from './processes.js'
import { replacedGlobals } from './replaced-globals.js'
import { send } from './send.js'
import { sendMisuse } from './send-misuse.js'
import { signal } from './signal.js'
import { workers } from './workers.js'

/** All behaviours that are compared. */
export const CASES: readonly Case[] = [
  ...create,
  ...bind,
  ...connect,
  ...send,
  ...sendMisuse,
  ...order,
  ...message,
  ...close,
  ...signal,
  ...lookup,
  ...options,
  ...multicast,
  ...ipv6,
  ...newer,
  ...closeInBatch,
  ...listeners,
  ...inheritance,
  ...contexts,
  ...descriptors,
  ...replacedGlobals,
  ...workers,
  ...ends,
  ...laterVersions,
  ...processes,
]
