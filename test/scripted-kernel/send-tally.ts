/** Counts of the events of a run. A test checks that each occurred. */
export interface SendTally {
  messages: number
  datagrams: number
  gsoSends: number
  /** Number of times when only a part of a GSO message was sent. */
  partMessages: number
  refusals: number
  failedMessages: number
  wouldBlock: number
  shortCounts: number
}

export function newSendTally(): SendTally {
  return {
    messages: 0,
    datagrams: 0,
    gsoSends: 0,
    partMessages: 0,
    refusals: 0,
    failedMessages: 0,
    wouldBlock: 0,
    shortCounts: 0,
  }
}
