/** Talks as people write them down, a line for each message that says who speaks. */

/** A message of a talk. */
interface Message {
  readonly role: string
  readonly content: string
}

const names: Readonly<Record<string, string>> = { user: 'User: ', assistant: 'Assistant: ' }

/** The lines of a talk, each with its end. */
export const plainTranscript = (messages: readonly Message[]): string =>
  messages.map(({ role, content }) => `${Object.hasOwn(names, role) ? names[role] : ''}${content}\n`).join('')
