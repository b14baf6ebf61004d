/** Added tokens: texts such as `<|endoftext|>` that are found before anything is cut or merged. */
import { type BytePairModel, maxTokens } from './byte-pair-model.ts'
import type { JsonPart } from '../json/json-part.ts'

/** An added token as tokenizer.json has it. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly isSpecial: boolean
  /** Whether it is found in what the normalizer made of the text instead of the text itself. */
  readonly isNormalized: boolean
  /** Whether it is found between word characters. */
  readonly isSingleWord: boolean
  /** Whether it takes the white space before it. */
  readonly stripsLeft: boolean
  readonly stripsRight: boolean
}

/** A stretch of a text between added tokens, or one of them. */
export interface Segment {
  readonly from: number
  readonly to: number
  readonly token: number | null
}

/** Most added tokens, and characters of one. */
const [maxAdded, maxContent] = [2 ** 16, 1024]

/** @throws TokenizerError for what is damaged, or an id that another token has. */
export function addedTokensIn(part: JsonPart, model: BytePairModel): readonly AddedToken[] {
  if (part.isMissing) return []
  if (part.list().length > maxAdded) part.refuse(`at most ${maxAdded} tokens`)
  const contents = new Map<number, string>()
  return part.items().flatMap((item) => {
    const [id, content] = [item.get('id').integer(maxTokens), item.get('content').text()]
    if (content === '') return []
    if (content.length > maxContent) item.get('content').refuse(`at most ${maxContent} characters`)
    const other = contents.get(id) ?? model.textOf.get(id) ?? content
    if (other !== content) item.get('id').refuse(`an id that no other token has ('${other}' has it)`)
    const known = model.idOf.get(content) ?? id
    if (known !== id) item.get('id').refuse(`${known}, which it has in the vocabulary`)
    contents.set(id, content)
    const isSpecial = item.get('special').boolean(false)
    return {
      ...{ id, content, isSpecial },
      isNormalized: item.get('normalized').boolean(!isSpecial),
      isSingleWord: item.get('single_word').boolean(false),
      stripsLeft: item.get('lstrip').boolean(false),
      stripsRight: item.get('rstrip').boolean(false),
    }
  })
}

interface Node {
  readonly next: Map<number, Node>
  token: AddedToken | null
}

/** Finds tokens in a text: of those that begin leftmost the longest, one after another. */
export class TokenFinder {
  readonly #root: Node = { next: new Map(), token: null }

  /** @param contentOf What a token looks like in the texts that are searched. */
  constructor(tokens: readonly AddedToken[], contentOf: (token: AddedToken) => string) {
    for (const token of tokens) {
      const content = contentOf(token)
      if (content === '') continue
      let node = this.#root
      for (let i = 0; i < content.length; i++) {
        const unit = content.charCodeAt(i)
        const next = node.next.get(unit) ?? { next: new Map(), token: null }
        node.next.set(unit, next)
        node = next
      }
      // Of two with one content the first is found.
      node.token ??= token
    }
  }

  /**
   * The segments of a text, in order. Takes as many steps as the text is long, times a token's length at
   * worst.
   */
  segments(text: string): readonly Segment[] {
    if (this.#root.next.size === 0) return text === '' ? [] : [{ from: 0, to: text.length, token: null }]
    const segments: Segment[] = []
    let done = 0
    for (let at = 0; at < text.length; ) {
      const found = this.#at(text, at)
      if (found === null) {
        at++
        continue
      }
      const { id, content, isSingleWord, stripsLeft, stripsRight } = found.token
      const end = found.end
      const isAlone = !isSingleWord || !(isWordBefore(text, at) || isWordAt(text, end))
      if (isAlone && content !== '') {
        const from = stripsLeft ? Math.max(done, spaceBefore(text, at, done)) : at
        const to = stripsRight ? spaceAfter(text, end) : end
        if (from > done) segments.push({ from: done, to: from, token: null })
        segments.push({ from, to, token: id })
        done = to
      }
      at = end
    }
    if (done < text.length) segments.push({ from: done, to: text.length, token: null })
    return segments
  }

  #at(text: string, from: number): { readonly token: AddedToken; readonly end: number } | null {
    let node = this.#root.next.get(text.charCodeAt(from))
    let found: { token: AddedToken; end: number } | null = null
    for (let at = from + 1; node !== undefined; at++) {
      if (node.token !== null) found = { token: node.token, end: at }
      node = at < text.length ? node.next.get(text.charCodeAt(at)) : undefined
    }
    return found
  }
}

const space = /^\p{White_Space}$/u
const wordCharacter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u

const isWordAt = (text: string, at: number): boolean =>
  at < text.length && wordCharacter.test(String.fromCodePoint(text.codePointAt(at) as number))

function isWordBefore(text: string, at: number): boolean {
  const isPair = at > 1 && /[\ud800-\udbff]/.test(text[at - 2]) && /[\udc00-\udfff]/.test(text[at - 1])
  return at > 0 && isWordAt(text, isPair ? at - 2 : at - 1)
}

function spaceBefore(text: string, at: number, from: number): number {
  let start = at
  while (start > from && space.test(text[start - 1])) start--
  return start
}

function spaceAfter(text: string, at: number): number {
  let end = at
  while (end < text.length && space.test(text[end])) end++
  return end
}
