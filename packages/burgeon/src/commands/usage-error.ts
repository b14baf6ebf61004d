/** The command was given something it cannot work with; the message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
