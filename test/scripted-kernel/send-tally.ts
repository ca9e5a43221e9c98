/** Counts of what a run has met, so that a test can show that it met it. */
export interface SendTally {
  messages: number
  datagrams: number
  gsoSends: number
  /** Times when a GSO message was out in part. */
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
