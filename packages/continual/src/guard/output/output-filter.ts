/** What a model must not say: phrases, patterns and personal data, kept back while it writes. */
import { aGrowingTokenizer, type GrowingTokenizer, type LogitsProcessor, type TextFilter } from '@burgeon/gpt'
import { type Check, checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { scanned } from '../personal/find-personal-data.ts'
import { borderOf } from '../personal/personal-stream.ts'
import { boundedPattern } from './bounded-pattern.ts'
import { maskPhrases } from './mask-phrases.ts'

/** What must not be said. */
export interface OutputRules {
  /**
   * Phrases of 1 to 200 characters. Case does not count, nor how many blanks stand between words, and a
   * phrase is found inside of longer words, too. None unless given.
   */
  readonly phrases?: readonly string[]
  /**
   * Regular expressions whose matches are bounded, at most 256 characters (`boundedPattern`). Case counts.
   * None unless given.
   */
  readonly patterns?: readonly string[]
  /** Whether what `findPersonalData` finds is replaced as well. Default false. */
  readonly personalData?: boolean
}

/** Keeps back what must not be said. Pure but for the filters that it makes. */
export interface OutputFilter {
  /**
   * The filter of an answer that begins.
   *
   * @param before What the same voice said before, oldest first: what goes on from it counts, also where a
   *   phrase began there. None unless given.
   */
  begin(before?: readonly string[]): TextFilter
  /** A whole text as it may be said. */
  clean(text: string): string
  /**
   * Masks tokens that would complete a phrase, so that a model says something else in its place; undefined
   * where there are no phrases.
   *
   * @param tokenizer That of the model.
   */
  logitsProcessor(tokenizer: GrowingTokenizer): LogitsProcessor | undefined
}

/** Characters that are held back at least, so that what they begin is known. */
const leastHeld = 64
/** Characters that stay known of what was said. */
const known = 512
const longestPhrase = 200
/** What stands in the place of a phrase or a pattern. */
const withheld = '[withheld]'

/** Check of a phrase. */
export const aPhrase: Check<string> = {
  expected: `a phrase of 1 to ${longestPhrase} characters`,
  accepts: (value): value is string =>
    typeof value === 'string' && value.trim() !== '' && value.length <= longestPhrase,
}
/** Checks of rules. */
const ruleChecks: ChecksOf<OutputRules> = {
  phrases: checks.list('a list of phrases', aPhrase),
  patterns: checks.list('a list of patterns', checks.text),
  personalData: checks.boolean,
}

interface Span {
  readonly from: number
  readonly to: number
  readonly token: string
}

/**
 * A filter of what a model says. Text without anything of the rules passes unchanged, character by character;
 * what the rules name is replaced by `[withheld]`, or the token of its category, before any of it is out. At
 * most 64 characters are held back for that, or as many as the longest rule; with personal data 128 and the
 * word at the border.
 *
 * It knows forms and not meanings: a phrase that is spelt otherwise is said.
 *
 * @throws OptionError for an empty phrase, a pattern that is none or not bounded, and rules that do not
 *   exist.
 * @example
 * ```ts
 * const filter = outputFilter({ phrases: ['blue falcon'], personalData: true })
 * console.log(filter.clean('Blue  Falcon, anna@example.org')) // → [withheld], [email]
 * ```
 */
export function outputFilter(rules: OutputRules): OutputFilter {
  checkOptions('outputFilter', rules, ruleChecks)
  const { phrases = [], patterns = [], personalData = false } = rules
  const phrased = phrases.map((phrase) => {
    const words = phrase.trim().split(/\s+/u)
    const source = words.map(escaped).join(String.raw`\s{1,8}`)
    // A letter of another case may be longer.
    return { pattern: new RegExp(source, 'giu'), longest: 2 * phrase.length + 8 * words.length }
  })
  const all = [...phrased, ...patterns.map((source) => boundedPattern('outputFilter', source))]
  const held = Math.max(leastHeld, ...all.map(({ longest }) => longest + 1))
  const forbiddenIn = (text: string): Span[] => all.flatMap(({ pattern }) => matchesOf(pattern, text))
  const personalIn = (text: string): ReturnType<typeof scanned>['spans'] =>
    personalData ? scanned(text).spans : []
  const spansOf = (text: string, personal = personalIn(text)): Span[] =>
    merged([
      ...forbiddenIn(text),
      ...personal.map(({ from, to, category }) => ({ from, to, token: `[${category}]` })),
    ])

  const begin = (before: readonly string[] = []): TextFilter => {
    checkArgument('OutputFilter.begin', 'before', before, checks.list('a list of texts', checks.text))
    // Between two answers of a talk there may be a blank, or none.
    const said = before.filter((text) => text !== '')
    let contexts =
      said.length === 0 ? [''] : [said.join('').slice(-known), `${said.join(' ').slice(-known)} `]
    let text = ''
    let hasEnded = false
    const take = (isEnd: boolean): string => {
      let to = text.length
      const spans: Span[] = []
      for (const context of contexts) {
        const whole = context + text
        const personal = personalIn(whole)
        const own = spansOf(whole, personal).filter((span) => span.to > context.length)
        spans.push(...own.map((span) => shifted(span, context.length)))
        if (isEnd) continue
        let border = Math.max(context.length, whole.length - held)
        if (personalData) border = Math.min(border, borderOf(whole, personal, context.length))
        for (const span of own.toReversed()) if (span.from < border && span.to > border) border = span.from
        to = Math.min(to, Math.max(0, border - context.length))
      }
      const out = replaced(text.slice(0, to), merged(spans.filter((span) => span.to <= to)))
      contexts = contexts.map((context) => (context + text.slice(0, to)).slice(-known))
      text = text.slice(to)
      return out
    }
    return {
      push(piece) {
        checkArgument('TextFilter.push', 'text', piece, checks.text)
        if (hasEnded && piece !== '') {
          throw new OptionError('TextFilter: got text after the end; expected none.')
        }
        text += piece
        return hasEnded || text.length <= leastHeld ? '' : take(false)
      },
      end() {
        if (hasEnded) return ''
        hasEnded = true
        return take(true)
      },
    }
  }
  return {
    begin,
    clean(text) {
      checkArgument('OutputFilter.clean', 'text', text, checks.text)
      return replaced(text, spansOf(text))
    },
    logitsProcessor(tokenizer) {
      checkArgument('OutputFilter.logitsProcessor', 'tokenizer', tokenizer, aGrowingTokenizer)
      return phrases.length === 0
        ? undefined
        : maskPhrases(
            phrases.map((phrase) => phrase.trim()),
            tokenizer,
          )
    },
  }
}

const escaped = (word: string): string => word.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

/** Every match, also those that begin within another. */
function matchesOf(pattern: RegExp, text: string): Span[] {
  const spans: Span[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [{ length }] = match
    spans.push({ from: match.index, to: match.index + length, token: withheld })
    pattern.lastIndex = match.index + ((text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1)
  }
  return spans
}

/** In order, those that overlap as one: what is forbidden is the word for both. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    const last = result.at(-1)
    if (last === undefined || span.from >= last.to) {
      result.push(span)
      continue
    }
    const token = span.token === withheld ? withheld : last.token
    result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to), token }
  }
  return result
}

const shifted = ({ from, to, token }: Span, by: number): Span => ({
  from: Math.max(0, from - by),
  to: to - by,
  token,
})

function replaced(text: string, spans: readonly Span[]): string {
  let [result, at] = ['', 0]
  for (const { from, to, token } of spans) {
    result += text.slice(at, from) + token
    at = to
  }
  return result + text.slice(at)
}
