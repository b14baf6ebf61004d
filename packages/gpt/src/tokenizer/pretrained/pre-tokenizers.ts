/** Pre-tokenizers of tokenizer.json: pieces that no merge crosses. */
import { bytesAsCharacters } from './byte-characters.ts'
import type { JsonPart } from '../json/json-part.ts'
import { patternOf } from './normalizers.ts'
import { type SplitBehavior, splitText } from './splitting.ts'

/** A piece of a text, and whether it is where the text begins. */
export interface Piece {
  readonly text: string
  readonly isFirst: boolean
}

/** How a text is cut, and what becomes of each piece in the end. */
export interface PreTokenizer {
  readonly split: (piece: Piece) => readonly Piece[]
  /** Returns the spelling under which the model knows a piece of text. */
  readonly finish: (text: string) => string
  /** Whether the model sees bytes. */
  readonly isByteLevel: boolean
}

const asIs = (text: string): string => text

/**
 * What GPT-2 cuts at: beginnings of contractions, words, numbers and signs with the space before, white
 * space.
 */
const gpt2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu
const words =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu
const punctuation = /[!-/:-@[-`{-~\p{P}]/gu

/** What cuts one text, from a function of texts. */
function cutting(cut: (text: string) => readonly string[]): PreTokenizer {
  const split = ({ text, isFirst }: Piece): readonly Piece[] => {
    const pieces = cut(text)
    // What comes first may have been cut off.
    const begins = isFirst && pieces.length > 0 && text.startsWith(pieces[0])
    return pieces.map((piece, i) => ({ text: piece, isFirst: begins && i === 0 }))
  }
  return { split, finish: asIs, isByteLevel: false }
}

/**
 * A pre-tokenizer as two functions.
 *
 * @param prefixes Whether spaces may be put before a text: not where nothing may be added to it.
 * @throws TokenizerError for one that burgeon lacks, and for parts that are damaged.
 */
export function preTokenizerOf(part: JsonPart, prefixes: boolean): PreTokenizer {
  if (part.isMissing) return cutting((text) => [text])
  const type = part.get('type')
  switch (type.value) {
    case 'ByteLevel':
      return byteLevel(part, prefixes)
    case 'Metaspace':
      return metaspace(part, prefixes)
    case 'Split': {
      const pattern = patternOf(part.get('pattern'))
      const [behavior, invert] = [behaviorOf(part.get('behavior')), part.get('invert').boolean(false)]
      return cutting((text) => splitText(text, pattern, behavior, invert))
    }
    case 'Digits': {
      const behavior = part.get('individual_digits').boolean(false) ? 'Isolated' : 'Contiguous'
      return cutting((text) => splitText(text, /\p{N}/gu, behavior))
    }
    case 'Punctuation': {
      const behavior = part.get('behavior')
      const how = behavior.isMissing ? 'Isolated' : behaviorOf(behavior)
      return cutting((text) => splitText(text, punctuation, how))
    }
    case 'Whitespace':
      return cutting((text) => splitText(text, words, 'Removed', true))
    case 'WhitespaceSplit':
      return cutting((text) => splitText(text, /\p{White_Space}/gu, 'Removed'))
    case 'Sequence':
      return inTurn(
        part
          .get('pretokenizers')
          .items()
          .map((item) => preTokenizerOf(item, prefixes)),
      )
    default:
      return type.unknownName('pre-tokenizer')
  }
}

function byteLevel(part: JsonPart, mayPrefix: boolean): PreTokenizer {
  // Absent means true.
  const prefixes = part.get('add_prefix_space').boolean(true) && mayPrefix
  const splits = part.get('use_regex').boolean(true)
  return {
    split: ({ text, isFirst }) => {
      const whole = prefixes && text !== '' && !text.startsWith(' ') ? ` ${text}` : text
      if (!splits) return [{ text: whole, isFirst }]
      return splitText(whole, gpt2, 'Isolated').map((piece, i) => ({
        text: piece,
        isFirst: isFirst && i === 0,
      }))
    },
    finish: bytesAsCharacters,
    isByteLevel: true,
  }
}

function metaspace(part: JsonPart, mayPrefix: boolean): PreTokenizer {
  const space = part.get('replacement').character()
  const given = prefixSchemeOf(part)
  const scheme = mayPrefix ? given : 'never'
  const isSplit = part.get('split').boolean(true)
  const spaces = new RegExp(`\\u{${space.codePointAt(0)?.toString(16)}}`, 'gu')
  return {
    split: ({ text, isFirst }) => {
      const replaced = text.replaceAll(' ', () => space)
      const wanted = scheme === 'always' || (scheme === 'first' && isFirst)
      const whole = wanted && text !== '' && !replaced.startsWith(space) ? space + replaced : replaced
      const pieces = isSplit ? splitText(whole, spaces, 'MergedWithNext') : [whole]
      return pieces.map((piece, i) => ({ text: piece, isFirst: isFirst && i === 0 }))
    },
    finish: asIs,
    isByteLevel: false,
  }
}

/** When a Metaspace puts a space before a text. Older files say `add_prefix_space` instead. */
export function prefixSchemeOf(part: JsonPart): 'always' | 'first' | 'never' {
  const scheme = part.get('prepend_scheme')
  if (!scheme.isMissing) return scheme.oneOf('always', 'first', 'never')
  return part.get('add_prefix_space').boolean(true) ? 'always' : 'never'
}

function behaviorOf(part: JsonPart): SplitBehavior {
  return part.oneOf('Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous')
}

/** One after another. Only what comes last may stay undone until the model asks. */
function inTurn(all: readonly PreTokenizer[]): PreTokenizer {
  const last = all.at(-1)
  const split = (piece: Piece): readonly Piece[] =>
    all.reduce<readonly Piece[]>(
      (pieces, each, i) =>
        pieces.flatMap((one) => {
          const cut = each.split(one)
          const isDone = i === all.length - 1 || each.finish === asIs
          return isDone ? cut : cut.map(({ text, isFirst }) => ({ text: each.finish(text), isFirst }))
        }),
      [piece],
    )
  return { split, finish: last?.finish ?? asIs, isByteLevel: all.some(({ isByteLevel }) => isByteLevel) }
}
