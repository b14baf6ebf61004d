/** Regular expressions of Oniguruma's dialect, which tokenizer.json is written in, as JavaScript's. */
import type { JsonPart } from './json-part.ts'

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
 * The same expression for JavaScript, with the flags `gu`.
 *
 * @throws TokenizerError for what JavaScript cannot say or burgeon does not know, and for repetitions of
 *   repetitions, whose search may take exponential time.
 */
export function regexOf(part: JsonPart): RegExp {
  const source = part.text()
  if (source.length > maxLength) part.refuse(`at most ${maxLength} characters`)
  const translated = new Translation(source, part).all()
  try {
    return new RegExp(translated, 'gu')
  } catch (error) {
    return part.unsupported(`the expression (${(error as Error).message})`)
  }
}

/** A text taken literally. */
export function literalOf(text: string): RegExp {
  return new RegExp(Array.from(text).map(escaped).join(''), 'gu')
}

const escaped = (character: string): string =>
  /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character

/** Reads an expression from left to right, once. */
class Translation {
  readonly #source: readonly string[]
  readonly #part: JsonPart
  #at = 0
  #groups = 0

  constructor(source: string, part: JsonPart) {
    this.#source = Array.from(source)
    this.#part = part
  }

  all(): string {
    const { text } = this.#alternatives(false, 0)
    return this.#at < this.#source.length ? this.#part.refuse('as many ( as )') : text
  }

  /** Up to a closing bracket or the end. `varies` where one place can be matched in several ways. */
  #alternatives(ignoresCase: boolean, depth: number): { readonly text: string; readonly varies: boolean } {
    if (depth > 20) this.#part.refuse('groups that stand at most 20 deep in each other')
    let [text, varies, ignores] = ['', false, ignoresCase]
    while (this.#at < this.#source.length && this.#peek() !== ')') {
      if (this.#take('|')) {
        text += '|'
        varies = true
        continue
      }
      if (this.#take('(?i)')) {
        ignores = true
        continue
      }
      const atom = this.#atom(ignores, depth)
      const [after, isRepeated, mayVary] = this.#quantified(atom.text)
      if (isRepeated && atom.varies) this.#part.unsupported('a repetition of repetitions')
      text += after
      varies ||= mayVary || atom.varies
    }
    return { text, varies }
  }

  #atom(ignoresCase: boolean, depth: number): { readonly text: string; readonly varies: boolean } {
    const is = (text: string): { text: string; varies: boolean } => ({ text, varies: false })
    for (const look of ['(?=', '(?!', '(?<=', '(?<!', '(?:', '(?i:', '(?>', '(']) {
      if (!this.#take(look)) continue
      if (look === '(' && this.#peek() === '?') this.#part.unsupported('a group that begins with (?')
      const inner = this.#alternatives(ignoresCase || look === '(?i:', depth + 1)
      if (!this.#take(')')) this.#part.refuse('as many ( as )')
      if (look === '(?>') return { ...inner, text: this.#atomic(inner.text) }
      const start = look === '(' || look === '(?i:' ? '(?:' : look
      return { ...inner, text: `${start}${inner.text})` }
    }
    if (this.#take('[')) return is(this.#class(ignoresCase))
    if (this.#take('.')) return is('[^\\n]')
    if (this.#take('^')) return is('(?<![^\\n])')
    if (this.#take('$')) return is('(?![^\\n])')
    if (this.#take('\\')) {
      const { text, isClass } = this.#escape()
      return is(isClass && text.length > 6 && !text.startsWith('\\P') ? `[${text}]` : text)
    }
    const character = this.#source[this.#at++]
    if ('*+?'.includes(character)) this.#part.refuse(`something before ${character}`)
    return is(ignoresCase ? eitherCase(character) : escaped(character))
  }

  /** The atom with its quantifier, whether it may come more than once, and whether its length is open. */
  #quantified(atom: string): readonly [text: string, isRepeated: boolean, varies: boolean] {
    const braces = /^\{(\d*)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 14).join(''))
    if (braces !== null && `${braces[1]}${braces[3]}` !== '') {
      const [all, from, comma, to] = braces
      this.#at += all.length
      const most = comma === '' ? Number(from) : to === '' ? Number(from) : Number(to)
      if (most > maxRepeats || Number(from) > most)
        this.#part.refuse(`repetitions in order, of at most ${maxRepeats}`)
      const lazy = this.#take('?') ? '?' : ''
      if ('*+?{'.includes(this.#peek() || '-')) this.#part.unsupported('a repetition of repetitions')
      return [`${atom}{${from || 0}${comma}${to}}${lazy}`, true, comma !== '']
    }
    const sign = ['*', '+', '?'].find((each) => this.#take(each))
    if (sign === undefined) return [atom, false, false]
    if (this.#take('+')) return [this.#atomic(`${atom}${sign}`), sign !== '?', true]
    const lazy = this.#take('?') ? '?' : ''
    if ('*+?'.includes(this.#peek() || '-')) this.#part.unsupported('a repetition of repetitions')
    return [`${atom}${sign}${lazy}`, sign !== '?', true]
  }

  /**
   * What is never given back once it has matched: a look ahead does not go back, and then its match is
   * taken.
   */
  #atomic(text: string): string {
    this.#groups++
    return `(?=(?<a${this.#groups}>${text}))\\k<a${this.#groups}>`
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
