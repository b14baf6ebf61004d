/** Normalizers of tokenizer.json: what a text becomes before it is cut. */
import type { JsonPart } from '../json/json-part.ts'
import { nativePattern, type Pattern, replaceMatches } from './regex/pattern.ts'
import { literalOf, regexOf } from './regex/translation.ts'
import { inWindows } from './splitting.ts'

/** What becomes of a text. */
export type Normalizer = (text: string) => string

/** A text may become at most so many times as long, and no Replace may make more of a character. */
const maxContent = 64

/**
 * A normalizer as one function.
 *
 * @throws TokenizerError for one that burgeon lacks, and for parts that are damaged.
 */
export function normalizerOf(part: JsonPart): Normalizer {
  if (part.isMissing) return (text) => text
  const type = part.get('type')
  switch (type.value) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = type.value
      return (text) => text.normalize(form)
    }
    case 'Lowercase':
      // Letter by letter: a sigma at the end of a word is no special case.
      return (text) => text.replace(/\P{Lowercase}/gu, (character) => character.toLowerCase())
    case 'Prepend': {
      const prefix = contentOf(part.get('prepend'))
      return (text) => (text === '' ? '' : prefix + text)
    }
    case 'Replace': {
      const [pattern, content] = [patternOf(part.get('pattern')), contentOf(part.get('content'))]
      return (text) => inWindows(text, (window) => replaceMatches(window, pattern, content)).join('')
    }
    case 'Strip': {
      const [left, right] = [part.get('strip_left').boolean(true), part.get('strip_right').boolean(true)]
      return (text) => stripped(text, left, right)
    }
    case 'Sequence': {
      const all = part.get('normalizers').items().map(normalizerOf)
      return (text) => all.reduce((last, each) => each(last), text)
    }
    default:
      return type.unknownName('normalizer')
  }
}

const nothing = nativePattern(/(?!)/gu)

/** `{ String }` is taken literally, `{ Regex }` is an expression. */
export function patternOf(part: JsonPart): Pattern {
  const literal = part.get('String')
  if (literal.isMissing) return regexOf(part.get('Regex'))
  const text = literal.text()
  return text === '' ? nothing : literalOf(text)
}

/** A text that is put in: never one that would blow up what it is put into. */
export function contentOf(part: JsonPart): string {
  const text = part.text()
  return text.length > maxContent ? part.refuse(`at most ${maxContent} characters`) : text
}

/** One by one: an expression for the end would search at every white space. */
function stripped(text: string, left: boolean, right: boolean): string {
  const isSpace = (at: number): boolean => /\p{White_Space}/u.test(text[at])
  let [from, to] = [0, text.length]
  if (left) while (from < to && isSpace(from)) from++
  if (right) while (to > from && isSpace(to - 1)) to--
  return text.slice(from, to)
}
