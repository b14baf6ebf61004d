/** The text of a page of HTML. */
import type { Handler } from 'htmlparser2'
import { StreamError } from '../stream-error.ts'

/** Bytes of a page above which it is left out. */
const maxBytes = 32 * 2 ** 20
/** Elements inside each other above which a page is left out: the parser looks through them at every end. */
const maxDepth = 2048
/** Bytes that are parsed at a time: where a piece ends, the parser must not see. */
const blockBytes = 16_384

/** Elements whose text nobody reads as part of a page: programs, what leads elsewhere, what is filled in. */
const skipped: ReadonlySet<string> = new Set([
  ...['script', 'style', 'noscript', 'template', 'iframe', 'object', 'svg', 'canvas', 'audio', 'video'],
  ...['nav', 'footer', 'aside', 'button', 'select', 'textarea', 'datalist', 'dialog'],
])
/** Roles of elements that stand around the text (WAI-ARIA 1.2, landmarks). */
const skippedRoles: ReadonlySet<string> = new Set([
  'banner',
  'complementary',
  'contentinfo',
  'navigation',
  'search',
])

/** Elements that begin and end a line. */
const blocks: ReadonlySet<string> = new Set([
  ...[
    'address',
    'article',
    'blockquote',
    'body',
    'br',
    'caption',
    'center',
    'dd',
    'details',
    'div',
    'dl',
    'dt',
  ],
  ...[
    'fieldset',
    'figcaption',
    'figure',
    'form',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'head',
    'header',
    'hgroup',
  ],
  ...['hr', 'html', 'legend', 'li', 'main', 'menu', 'ol', 'p', 'pre', 'section', 'summary', 'table', 'tbody'],
  ...['tfoot', 'thead', 'title', 'tr', 'ul'],
])

/**
 * The text that a page shows, in pieces: entities decoded, white space as one space, blocks on lines of their
 * own, cells of tables with tabs between, and the title first. Without scripts, styles, and elements that
 * lead elsewhere or are hidden.
 *
 * @throws StreamError `not-text` for more than 32 MiB, and more than 2048 elements inside each other.
 */
export async function* htmlText(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  // It takes a while to load, and most folders hold no page.
  const { Parser } = await import('htmlparser2')
  const text = new PageText()
  const parser = new Parser(text.handler)
  const decoder = new TextDecoder()
  let size = 0
  for await (const bytes of inBlocks(pieces)) {
    size += bytes.length
    if (size > maxBytes) throw new StreamError('not-text', `more than ${maxBytes / 2 ** 20} MiB of HTML`)
    parser.write(decoder.decode(bytes, { stream: true }))
    yield text.take()
  }
  parser.write(decoder.decode())
  parser.end()
  text.endLine()
  yield text.take()
}

/**
 * The same bytes in blocks of one size, whatever pieces they come in: of a tag that the end of a page cuts
 * off, the parser makes another thing where it saw it in two parts.
 */
async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let block = new Uint8Array(blockBytes)
  let used = 0
  for await (const bytes of pieces) {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + blockBytes - used)
      block.set(taken, used)
      used += taken.length
      at += taken.length
      if (used < blockBytes) continue
      yield block
      block = new Uint8Array(blockBytes)
      used = 0
    }
  }
  yield block.subarray(0, used)
}

/** Takes down the text of elements as they come. */
class PageText {
  #text = ''
  /** Whether nothing stands on the line yet. */
  #isAtStart = true
  /** White space before what comes next on the line. */
  #space = ''
  #depth = 0
  /** Depth of the element whose text is left out, 0 for none; and of the one whose lines are kept as they are. */
  #skippedFrom = 0
  #keptFrom = 0
  /** Whether the next line feed is the one that may follow `<pre>`. */
  #isFirstKept = false

  readonly handler: Partial<Handler> = {
    onopentag: (name, attributes) => this.#open(name, attributes),
    onclosetag: (name) => this.#close(name),
    ontext: (text) => this.#add(text),
  }

  /** The text since it was taken last. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  endLine(): void {
    if (!this.#isAtStart) this.#text += '\n'
    this.#isAtStart = true
    this.#space = ''
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (++this.#depth > maxDepth)
      throw new StreamError('not-text', `more than ${maxDepth} elements of HTML inside each other`)
    if (this.#skippedFrom > 0) return
    if (isSkipped(name, attributes)) this.#skippedFrom = this.#depth
    else if (blocks.has(name)) this.endLine()
    if (name === 'pre' && this.#keptFrom === 0) {
      this.#keptFrom = this.#depth
      this.#isFirstKept = true
    }
  }

  #close(name: string): void {
    const depth = this.#depth--
    if (this.#skippedFrom > 0) {
      if (depth === this.#skippedFrom) this.#skippedFrom = 0
      return
    }
    if (depth === this.#keptFrom) this.#keptFrom = 0
    if (blocks.has(name)) this.endLine()
    else if (name === 'td' || name === 'th') this.#space = '\t'
  }

  #add(text: string): void {
    if (this.#skippedFrom > 0 || text === '') return
    if (this.#keptFrom > 0) {
      const kept = text.replaceAll('\r', '').slice(this.#isFirstKept && /^\r*\n/.test(text) ? 1 : 0)
      if (kept !== '' || text.includes('\n')) this.#isFirstKept = false
      this.#text += kept
      if (kept !== '') this.#isAtStart = kept.endsWith('\n')
      return
    }
    const words = text.replace(/[ \t\n\f\r]+/g, ' ')
    if (words.startsWith(' ') && this.#space === '') this.#space = ' '
    // No break is a space that a page wants to keep.
    const inner = words.replace(/^ | $/g, '')
    if (inner === '') return
    this.#text += this.#isAtStart ? inner : `${this.#space}${inner}`
    this.#isAtStart = false
    this.#space = words.endsWith(' ') ? ' ' : ''
  }
}

function isSkipped(
  name: string,
  { role = '', hidden, ...others }: Readonly<Record<string, string>>,
): boolean {
  return (
    skipped.has(name) || hidden !== undefined || others['aria-hidden'] === 'true' || skippedRoles.has(role)
  )
}
