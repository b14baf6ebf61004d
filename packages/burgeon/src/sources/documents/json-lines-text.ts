/** The text of records of JSON, a line each. */
import { linesIn } from './lines-in.ts'
import { plainTranscript } from './plain-transcript.ts'

/** Bytes of a line above which it is left out. */
const maxLineBytes = 4 * 2 ** 20

/**
 * The texts of records, each on lines of its own: `text`, or the talk in `messages` as a plain transcript.
 *
 * @param note Called once with how many records were left out.
 */
export async function* jsonLinesText(
  pieces: AsyncIterable<Uint8Array>,
  note: (what: string) => void,
): AsyncGenerator<string, void, void> {
  let [left, first] = [0, 0]
  for await (const { number, text: line } of linesIn(pieces, maxLineBytes)) {
    if (line?.trim() === '') continue
    const text = line === null ? null : textOf(line)
    if (text === null) {
      left++
      first ||= number
    } else yield text.endsWith('\n') ? text : `${text}\n`
  }
  if (left > 0) {
    const many = left === 1 ? `line ${first} is` : `${left} lines, the first of them line ${first}, are`
    note(`${many} left out: no JSON with text or messages, or longer than ${maxLineBytes / 2 ** 20} MiB`)
  }
}

/** The text of a record; null for one without. */
function textOf(line: string): string | null {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof record !== 'object' || record === null) return null
  const { text, messages } = record as { readonly text?: unknown; readonly messages?: unknown }
  if (typeof text === 'string') return text === '' ? null : text
  return Array.isArray(messages) ? transcriptOf(messages) : null
}

/** A talk as text; null if one of its messages has none. */
function transcriptOf(messages: readonly unknown[]): string | null {
  const talk: { role: string; content: string }[] = []
  for (const message of messages) {
    const { role, content } = (message ?? {}) as { readonly role?: unknown; readonly content?: unknown }
    const text = typeof content === 'string' ? content : textOfParts(content)
    if (typeof role !== 'string' || text === null) return null
    talk.push({ role, content: text })
  }
  return talk.length === 0 ? null : plainTranscript(talk)
}

/** The text of a message in parts, as OpenAI has them; null if one is something else. */
function textOfParts(parts: unknown): string | null {
  if (!Array.isArray(parts)) return null
  const texts = parts.map((part: unknown) => (part as { readonly text?: unknown } | null)?.text)
  return texts.every((text) => typeof text === 'string') ? texts.join('') : null
}
