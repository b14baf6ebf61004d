/** Regular expressions of Oniguruma's dialect, which tokenizer.json is written in, as trees. */
import type { JsonPart } from '../../json/json-part.ts'
import { nativePattern, type Pattern, patternFrom } from './pattern.ts'
import { type RegexNode, sourceOf } from './regex-node.ts'

/** Most that a quantifier in braces may repeat. */
const maxRepeats = 1000
/** Most characters of an expression. */
const maxLength = 5000

const whiteSpace = String.raw`\p{White_Space}`
const word = String.raw`\p{L}\p{M}\p{Nd}\p{Pc}`
/**
 * What classes of one letter stand for: JavaScript's `\s` lacks U+0085 and has U+FEFF, its `\d` and `\w`
 * know only ASCII.
 */
const classes: Readonly<Record<string, string>> = { s: whiteSpace, d: String.raw`\p{Nd}`, w: word }
const controls: Readonly<Record<string, string>> = {
  r: '\\r',
  n: '\\n',
  t: '\\t',
  f: '\\f',
  v: '\\v',
  a: '\\x07',
  e: '\\x1b',
}

/**
 * The same expression, searched in steps that are bounded for any text.
 *
 * @throws TokenizerError for what JavaScript cannot say or burgeon does not know, and for repetitions of
 *   repetitions, whose search may take exponential time.
 */
export function regexOf(part: JsonPart): Pattern {
  const node = regexNodeOf(part)
  const refuse = (what: string): never => part.unsupported(what)
  try {
    // What no engine takes is refused here, whoever searches.
    new RegExp(sourceOf(node), 'u').test('')
  } catch (error) {
    return part.unsupported(`the expression (${(error as Error).message})`)
  }
  return patternFrom(node, refuse)
}

/** The tree of an expression. */
export function regexNodeOf(part: JsonPart): RegexNode {
  const source = part.text()
  if (source.length > maxLength) part.refuse(`at most ${maxLength} characters`)
  return new Translation(source, part).all()
}

/** A text taken literally. */
export function literalOf(text: string): Pattern {
  return nativePattern(new RegExp(Array.from(text).map(escaped).join(''), 'gu'))
}

const character = (source: string): RegexNode => ({ kind: 'character', source })
const look = (inner: RegexNode, isBehind: boolean, isNot: boolean): RegexNode => ({
  ...{ kind: 'look', inner, isBehind, isNot },
})
const sequence = (parts: readonly RegexNode[]): RegexNode =>
  parts.length === 1 ? parts[0] : { kind: 'sequence', parts }

const escaped = (character: string): string =>
  /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character

const noLineEnd = character('[^\\n]')

/** A part, and whether one place can be matched by it in several ways. */
interface Translated {
  readonly node: RegexNode
  readonly varies: boolean
}

/** Reads an expression from left to right, once. */
class Translation {
  readonly #source: readonly string[]
  readonly #part: JsonPart
  #at = 0

  constructor(source: string, part: JsonPart) {
    this.#source = Array.from(source)
    this.#part = part
  }

  all(): RegexNode {
    const { node } = this.#alternatives(false, 0)
    return this.#at < this.#source.length ? this.#part.refuse('as many ( as )') : node
  }

  /** Up to a closing bracket or the end. `varies` where one place can be matched in several ways. */
  #alternatives(ignoresCase: boolean, depth: number): Translated {
    if (depth > 20) this.#part.refuse('groups that stand at most 20 deep in each other')
    const options: RegexNode[][] = [[]]
    let [varies, ignores] = [false, ignoresCase]
    while (this.#at < this.#source.length && this.#peek() !== ')') {
      if (this.#take('|')) {
        options.push([])
        varies = true
        continue
      }
      if (this.#take('(?i)')) {
        ignores = true
        continue
      }
      const atom = this.#atom(ignores, depth)
      const [after, isRepeated, mayVary] = this.#quantified(atom.node)
      if (isRepeated && atom.varies) this.#part.unsupported('a repetition of repetitions')
      options[options.length - 1].push(after)
      varies ||= mayVary || atom.varies
    }
    const all = options.map(sequence)
    return { node: all.length === 1 ? all[0] : { kind: 'choice', options: all }, varies }
  }

  #atom(ignoresCase: boolean, depth: number): Translated {
    const is = (node: RegexNode): Translated => ({ node, varies: false })
    for (const start of ['(?=', '(?!', '(?<=', '(?<!', '(?:', '(?i:', '(?>', '(']) {
      if (!this.#take(start)) continue
      if (start === '(' && this.#peek() === '?') this.#part.unsupported('a group that begins with (?')
      const inner = this.#alternatives(ignoresCase || start === '(?i:', depth + 1)
      if (!this.#take(')')) this.#part.refuse('as many ( as )')
      if (start === '(?>') return { ...inner, node: { kind: 'atomic', inner: inner.node } }
      if (!/[=!]$/.test(start)) return inner
      return { ...inner, node: look(inner.node, start.startsWith('(?<'), start.endsWith('!')) }
    }
    if (this.#take('[')) return is(character(this.#class(ignoresCase)))
    if (this.#take('.')) return is(noLineEnd)
    if (this.#take('^')) return is(look(noLineEnd, true, true))
    if (this.#take('$')) return is(look(noLineEnd, false, true))
    if (this.#take('\\')) {
      const { text, isClass } = this.#escape()
      return is(character(isClass && text.length > 6 && !text.startsWith('\\P') ? `[${text}]` : text))
    }
    const letter = this.#source[this.#at++]
    if ('*+?'.includes(letter)) this.#part.refuse(`something before ${letter}`)
    return is(character(ignoresCase ? eitherCase(letter) : escaped(letter)))
  }

  /** The atom with its quantifier, whether it may come more than once, and whether its length is open. */
  #quantified(atom: RegexNode): readonly [node: RegexNode, isRepeated: boolean, varies: boolean] {
    const repeated = (from: number, to: number, isLazy: boolean): RegexNode => ({
      ...{ kind: 'repeat', inner: atom, from, to, isLazy },
    })
    const braces = /^\{(\d*)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 14).join(''))
    if (braces !== null && `${braces[1]}${braces[3]}` !== '') {
      const [all, from, comma, to] = braces
      this.#at += all.length
      const most = comma === '' ? Number(from) : to === '' ? Number(from) : Number(to)
      if (most > maxRepeats || Number(from) > most)
        this.#part.refuse(`repetitions in order, of at most ${maxRepeats}`)
      const isLazy = this.#take('?')
      if ('*+?{'.includes(this.#peek() || '-')) this.#part.unsupported('a repetition of repetitions')
      const upTo = comma === '' ? Number(from) : to === '' ? Infinity : Number(to)
      return [repeated(Number(from), upTo, isLazy), true, comma !== '']
    }
    const sign = ['*', '+', '?'].find((each) => this.#take(each))
    if (sign === undefined) return [atom, false, false]
    const [from, upTo] = [sign === '+' ? 1 : 0, sign === '?' ? 1 : Infinity]
    if (this.#take('+')) {
      return [{ kind: 'atomic', inner: repeated(from, upTo, false) }, sign !== '?', true]
    }
    const isLazy = this.#take('?')
    if ('*+?'.includes(this.#peek() || '-')) this.#part.unsupported('a repetition of repetitions')
    return [repeated(from, upTo, isLazy), sign !== '?', true]
  }

  /** After `[`. */
  #class(ignoresCase: boolean): string {
    let text = this.#take('^') ? '[^' : '['
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      const low = this.#classItem()
      const [dash, after, letter = ''] = this.#source.slice(this.#at, this.#at + 3)
      const isClassNext = after === '\\' && 'sSdDwWpP'.includes(letter)
      if (low.isClass || dash !== '-' || after === ']' || isClassNext) {
        text += ignoresCase ? eitherCaseOf(low.text) : low.text
        continue
      }
      this.#at++
      const range = `${low.text}-${this.#classItem().text}`
      text += ignoresCase && /^[a-z]-[a-z]$|^[A-Z]-[A-Z]$/.test(range) ? bothCasesOf(range) : range
    }
    this.#at++
    return `${text}]`
  }

  /** One character of a class, or what stands for several. */
  #classItem(): { readonly text: string; readonly isClass: boolean } {
    if (this.#at >= this.#source.length) this.#part.refuse('a ] for every [')
    if (this.#peek() === '[' || this.#take('&&')) this.#part.unsupported('a class inside a class')
    if (this.#take('\\')) return this.#escape()
    const character = this.#source[this.#at++]
    return { text: character === '-' ? '\\-' : escaped(character), isClass: false }
  }

  /** After a backslash. A class is what stands for several characters. */
  #escape(): { readonly text: string; readonly isClass: boolean } {
    const letter = this.#source[this.#at++] ?? this.#part.refuse('a character after a backslash')
    if (Object.hasOwn(classes, letter)) return { text: classes[letter], isClass: true }
    if (letter === 'S') return { text: '\\P{White_Space}', isClass: true }
    if (letter === 'D') return { text: '\\P{Nd}', isClass: true }
    if (Object.hasOwn(controls, letter)) return { text: controls[letter], isClass: false }
    if (letter === 'p' || letter === 'P') return { text: this.#property(letter), isClass: true }
    if (letter === 'x' || letter === 'u') {
      const rest = this.#source.slice(this.#at, this.#at + 10).join('')
      const [all = '', wide, narrow] = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2,4}))/.exec(rest) ?? []
      const digits = wide ?? narrow?.slice(0, letter === 'x' ? 2 : 4)
      if (digits === undefined || (letter === 'u' && digits.length < 4))
        this.#part.refuse('hexadecimal digits after \\x')
      this.#at += wide === undefined ? digits.length : all.length
      return { text: `\\u{${digits}}`, isClass: false }
    }
    if (/[A-Za-z0-9]/.test(letter)) this.#part.unsupported(`\\${letter} in an expression`)
    return { text: letter === '-' ? '\\-' : escaped(letter), isClass: false }
  }

  /** `{L}` after `\p`, or a script's name. */
  #property(letter: string): string {
    const [all, not, name] =
      /^\{(\^?)([A-Za-z_ ]{1,30})\}/.exec(this.#source.slice(this.#at, this.#at + 40).join('')) ?? []
    if (all === undefined) return this.#part.unsupported('a property without a name in braces')
    this.#at += all.length
    const sign = not === '' ? letter : letter === 'p' ? 'P' : 'p'
    for (const property of [name, `Script=${name}`]) {
      if (isRegex(`\\p{${property}}`)) return `\\${sign}{${property}}`
    }
    return this.#part.unsupported(`the property ${name}`)
  }

  #peek(): string {
    return this.#source[this.#at] ?? ''
  }

  /** Goes on if a text comes next. */
  #take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#source[this.#at + i] !== text[i]) return false
    this.#at += text.length
    return true
  }
}

function isRegex(source: string): boolean {
  try {
    return new RegExp(source, 'u').unicode
  } catch {
    return false
  }
}

const isLetter = (character: string): boolean => /^[A-Za-z]$/.test(character)
const eitherCase = (character: string): string =>
  isLetter(character) ? `[${character.toLowerCase()}${character.toUpperCase()}]` : escaped(character)

/** A member of a class in both cases if it is a letter; any other as it is. */
const eitherCaseOf = (text: string): string =>
  isLetter(text) ? `${text.toLowerCase()}${text.toUpperCase()}` : text

const bothCasesOf = (range: string): string => `${range.toLowerCase()}${range.toUpperCase()}`
