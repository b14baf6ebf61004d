/** A short stretch of one file: the unit that is ordered, held out and learnt from. */
export interface Piece {
  /** Path of the file relative to the root, with `/`. */
  readonly file: string
  /** Place of the piece in its file, from 0. */
  readonly index: number
  readonly text: string
}

/**
 * Small enough that a domain has hundreds, so that any stretch of it is a fair mixture; longer than any
 * context window.
 */
const defaultLength = 320

/**
 * Units of text (paragraphs, declarations, lines) of one file, in order → pieces that never cut a unit,
 * unless it alone is too long.
 */
export function pieces(
  file: string,
  units: readonly string[],
  separator: string,
  pieceLength: number = defaultLength,
): Piece[] {
  const texts: string[] = []
  let open: string[] = []
  let length = 0
  for (const unit of units.flatMap((text) =>
    text.length > 2 * pieceLength ? cutAtLines(text, pieceLength) : [text],
  )) {
    if (length > 0 && length + unit.length > 1.5 * pieceLength) {
      texts.push(open.join(separator))
      open = []
      length = 0
    }
    open.push(unit)
    length += unit.length + separator.length
    if (length < pieceLength) continue
    texts.push(open.join(separator))
    open = []
    length = 0
  }
  const rest = open.join(separator)
  if (rest.length < pieceLength / 4 && texts.length > 0)
    texts.push(`${texts.pop()}${separator}${rest}`.trimEnd())
  else texts.push(rest)
  return texts.filter((text) => text !== '').map((text, index) => ({ file, index, text }))
}

function cutAtLines(text: string, pieceLength: number): string[] {
  const cuts: string[] = []
  let open = ''
  for (const line of text.split('\n')) {
    open = open === '' ? line : `${open}\n${line}`
    if (open.length < pieceLength) continue
    cuts.push(open)
    open = ''
  }
  if (open !== '') cuts.push(open)
  return cuts
}
