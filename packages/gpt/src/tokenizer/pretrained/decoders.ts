/**
 * Decoders of tokenizer.json as streams: tokens go in one by one, text comes out as soon as nothing can
 * change it.
 */
import { byteNamed, charactersAsBytes } from './byte-characters.ts'
import type { JsonPart } from '../json/json-part.ts'
import { contentOf, patternOf } from './normalizers.ts'
import { replaceMatches } from './regex/pattern.ts'
import { prefixSchemeOf } from './pre-tokenizers.ts'

/** Where a decoder hands on what it has made: `isNew` where another token begins, not more of the same. */
export type Sink = (text: string, isNew: boolean) => void

/** A decoder at work on one text. */
export interface Decoding {
  push(text: string, isNew: boolean): void
  /** There are no more tokens. */
  end(): void
}

/** Begins to decode a text. */
export type Decoder = (next: Sink) => Decoding

/** @throws TokenizerError for one that burgeon lacks, and for parts that are damaged. */
export function decoderOf(part: JsonPart): Decoder {
  // Without a decoder, tokens are words.
  if (part.isMissing) return mapping((text, isFirst) => (isFirst ? text : ` ${text}`))
  const type = part.get('type')
  switch (type.value) {
    case 'ByteLevel':
      return byteLevel
    case 'ByteFallback':
      return byteFallback
    case 'Fuse':
      return fuse
    case 'Replace': {
      const [pattern, content] = [patternOf(part.get('pattern')), contentOf(part.get('content'))]
      return wholeTokens(
        (text) => replaceMatches(text, pattern, content),
        isOneCharacter(part.get('pattern')),
      )
    }
    case 'Strip': {
      const content = part.get('content').character()
      const [start, stop] = [part.get('start').integer(maxStripped), part.get('stop').integer(maxStripped)]
      return stop === 0
        ? stripStart(content, start)
        : wholeTokens((text) => stripped(text, content, start, stop))
    }
    case 'Metaspace': {
      const [space, scheme] = [part.get('replacement').character(), prefixSchemeOf(part)]
      return mapping((text, isFirst) => text.replaceAll(space, isFirst && scheme !== 'never' ? '' : ' '))
    }
    case 'Sequence':
      return inTurn(part.get('decoders').items().map(decoderOf))
    default:
      return type.unknownName('decoder')
  }
}

/** Most characters that Strip takes from an end. */
const maxStripped = 1024

/** What a string is replaced in may come in parts, if it is one code unit long. */
const isOneCharacter = (part: JsonPart): boolean => {
  const literal = part.get('String')
  return !literal.isMissing && literal.text().length === 1
}

/** Each part of a token on its own. */
function mapping(change: (text: string, isFirst: boolean) => string): Decoder {
  return (next) => {
    let tokens = 0
    return {
      push(text, isNew) {
        if (isNew) tokens++
        next(change(text, tokens === 1), isNew)
      },
      end() {},
    }
  }
}

/** Waits for the end of a token, unless its parts can be changed one by one. */
function wholeTokens(change: (text: string) => string, isByPart: boolean = false): Decoder {
  if (isByPart) return mapping(change)
  return (next) => {
    let held: string[] | null = null
    const flush = (): void => {
      if (held !== null) next(change(held.join('')), true)
      held = null
    }
    return {
      push(text, isNew) {
        if (isNew) flush()
        held = held ?? []
        held.push(text)
      },
      end: flush,
    }
  }
}

/** All tokens become one. */
const fuse: Decoder = (next) => {
  let isFirst = true
  return {
    push(text) {
      next(text, isFirst)
      isFirst = false
    },
    end() {},
  }
}

/** Characters that stand for bytes become text; what is no UTF-8 becomes U+FFFD. */
const byteLevel: Decoder = (next) => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let isFirst = true
  const hand = (text: string): void => {
    if (text !== '') next(text, isFirst)
    isFirst &&= text === ''
  }
  return {
    push: (text) => hand(decoder.decode(charactersAsBytes(text), { stream: true })),
    end: () => hand(decoder.decode()),
  }
}

/** A run of tokens such as `<0x41>` becomes text at its end, or U+FFFD for every byte if it is no UTF-8. */
const byteFallback: Decoder = (next) => {
  let run: number[] = []
  const flush = (): void => {
    if (run.length > 0) next(textOfRun(Uint8Array.from(run)), true)
    run = []
  }
  return {
    push(text, isNew) {
      const byte = isNew ? byteNamed(text) : -1
      if (byte >= 0) run.push(byte)
      else {
        flush()
        next(text, isNew)
      }
    },
    end: flush,
  }
}

function textOfRun(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return '\ufffd'.repeat(bytes.length)
  }
}

/** Takes a character from the start of a token, at most `count` times. */
function stripStart(content: string, count: number): Decoder {
  return (next) => {
    let left = 0
    return {
      push(text, isNew) {
        if (isNew) left = count
        let at = 0
        while (left > 0 && text.startsWith(content, at)) {
          at += content.length
          left--
        }
        if (at < text.length) left = 0
        next(text.slice(at), isNew)
      },
      end() {},
    }
  }
}

function stripped(text: string, content: string, start: number, stop: number): string {
  const characters = Array.from(text)
  let [from, to] = [0, characters.length]
  while (from < Math.min(start, characters.length) && characters[from] === content) from++
  while (to > from && characters.length - to < stop && characters[to - 1] === content) to--
  return characters.slice(from, to).join('')
}

function inTurn(all: readonly Decoder[]): Decoder {
  return (next) => {
    // From behind, for each hands on to the one after it.
    const decodings = all.reduceRight<readonly Decoding[]>((later, each) => {
      const after = later.at(0)
      return [each(after === undefined ? next : (text, isNew) => after.push(text, isNew)), ...later]
    }, [])
    return {
      push: (text, isNew) => (decodings.length === 0 ? next(text, isNew) : decodings[0].push(text, isNew)),
      end: () => decodings.forEach((each) => each.end()),
    }
  }
}
