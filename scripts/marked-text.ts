/**
 * Parts of documents that a script writes: they stand between `<!-- begin NAME -->` and `<!-- end NAME -->`.
 */

const marks = (name: string): readonly [begin: string, end: string] => [
  `<!-- begin ${name} -->`,
  `<!-- end ${name} -->`,
]

/**
 * The text between the marks of a name. Throws RangeError unless each mark stands there once, in order.
 */
export function markedIn(text: string, name: string): string {
  const [begin, end] = marks(name)
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  const isOnce = from >= 0 && to > from && text.lastIndexOf(begin) === from && text.lastIndexOf(end) === to
  if (!isOnce) throw new RangeError(`expected ${begin} and ${end}, once each and in this order.`)
  return text.slice(from + begin.length, to).trim()
}

/** The text with something else between the marks. Throws as `markedIn`. */
export function withMarked(text: string, name: string, content: string): string {
  const [begin, end] = marks(name)
  markedIn(text, name)
  return `${text.slice(0, text.indexOf(begin) + begin.length)}\n${content.trim()}\n${text.slice(text.indexOf(end))}`
}
