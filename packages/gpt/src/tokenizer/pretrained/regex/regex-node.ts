/** Regular expressions as trees, and as JavaScript writes them. */

/** A part of an expression. */
export type RegexNode =
  /** One character; `source` is a character or a class as JavaScript writes them. */
  | { readonly kind: 'character'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  /** The first that leads to a match. */
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | RepeatNode
  /** Whether what lies ahead, or behind, matches, or does not. */
  | { readonly kind: 'look'; readonly inner: RegexNode; readonly isBehind: boolean; readonly isNot: boolean }
  /** What is never given back once it has matched. */
  | { readonly kind: 'atomic'; readonly inner: RegexNode }

/** As many as there are, or as few with `isLazy`. */
export interface RepeatNode {
  readonly kind: 'repeat'
  readonly inner: RegexNode
  readonly from: number
  readonly to: number
  readonly isLazy: boolean
}

/** Quantifiers of one sign, by least and most. */
const signs: Readonly<Record<string, string | undefined>> = { '0,': '*', '1,': '+', '0,1': '?' }

/** The expression for JavaScript, with the flag `u`. */
export function sourceOf(node: RegexNode): string {
  let atomics = 0
  const write = (own: RegexNode): string => {
    switch (own.kind) {
      case 'character':
        return own.source
      case 'sequence':
        return own.parts.map((part) => (part.kind === 'choice' ? `(?:${write(part)})` : write(part))).join('')
      case 'choice':
        return own.options.map(write).join('|')
      case 'repeat': {
        const { inner, from, to, isLazy } = own
        const once = inner.kind === 'character' ? write(inner) : `(?:${write(inner)})`
        const most = to === Infinity ? '' : to
        const counts = `${from},${most}`
        const sign = signs[counts] ?? `{${counts}}`
        return `${once}${sign}${isLazy ? '?' : ''}`
      }
      case 'look':
        return `(?${own.isBehind ? '<' : ''}${own.isNot ? '!' : '='}${write(own.inner)})`
      case 'atomic': {
        // A look ahead does not go back, and then its match is taken.
        const name = `a${++atomics}`
        return `(?=(?<${name}>${write(own.inner)}))\\k<${name}>`
      }
    }
  }
  return write(node)
}

/** Least and most characters of a match; what lies ahead or behind is not counted. */
export function lengthsOf(node: RegexNode): readonly [least: number, most: number] {
  switch (node.kind) {
    case 'character':
      return [1, 1]
    case 'sequence':
      return node.parts.map(lengthsOf).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0])
    case 'choice': {
      const all = node.options.map(lengthsOf)
      return [Math.min(...all.map(([least]) => least)), Math.max(...all.map(([, most]) => most))]
    }
    case 'repeat': {
      const [least, most] = lengthsOf(node.inner)
      return [node.from * least, most === 0 ? 0 : node.to * most]
    }
    case 'look':
      return [0, 0]
    case 'atomic':
      return lengthsOf(node.inner)
  }
}
