/** Sends a message to the parent process. It is dropped if the parent has ended. */
export function sendToParent(message: object): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** Ends this process when its parent has ended, for whatever reason: the channel between them is closed then. */
export function exitWithParent(): void {
  if (!process.connected) process.exit(0)
  process.once('disconnect', () => process.exit(0))
}
