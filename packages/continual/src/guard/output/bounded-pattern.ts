/** Patterns of which it is known how long a match can be, so that a stream need not wait for more. */
import { OptionError } from '@burgeon/tensor'

/** Characters that a match of any pattern may have. */
const longestPattern = 256

/** How many characters a piece of a pattern can match. */
interface Length {
  readonly least: number
  readonly most: number
}

/**
 * A regular expression of a source as `RegExp` has it (`u`, case counts), if its matches are bounded.
 *
 * @param who For messages: what the pattern is of.
 * @returns It, with `g`, and the most UTF-16 units of a match.
 * @throws OptionError for what is no pattern; one that matches nothing, or more than 256
 *   characters; and for what
 *   no stream can decide in bounded text and time: `*`, `+`, `{n,}`, `^`, `$`, looking around, going back to
 *   a group, and repeating what is itself repeated a variable number of times.
 */
export function boundedPattern(who: string, source: string): { pattern: RegExp; longest: number } {
  const fail = (what: string): never => {
    throw new OptionError(`${who}: got the pattern ${JSON.stringify(source)}, which ${what}.`)
  }
  let pattern: RegExp
  try {
    pattern = new RegExp(source, 'gu')
  } catch (error) {
    return fail(`is no regular expression (${(error as Error).message}); expected one`)
  }
  const { least, most } = new Reader(source, fail).whole()
  if (least === 0) fail('can match nothing; expected one that wants a character at least')
  if (most > longestPattern) {
    fail(`can match ${most} characters; expected at most ${longestPattern}, such as with {0,20} for *`)
  }
  // A character may take two units.
  return { pattern, longest: 2 * most }
}

/** Reads a pattern that `RegExp` has accepted. */
class Reader {
  readonly #source: string
  readonly #fail: (what: string) => never
  #at = 0

  constructor(source: string, fail: (what: string) => never) {
    this.#source = source
    this.#fail = fail
  }

  whole(): Length {
    let length = this.#sequence()
    while (this.#source[this.#at] === '|') {
      this.#at++
      const other = this.#sequence()
      length = { least: Math.min(length.least, other.least), most: Math.max(length.most, other.most) }
    }
    return length
  }

  #sequence(): Length {
    let [least, most] = [0, 0]
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at])) {
      const term = this.#term()
      least += term.least
      most += term.most
    }
    return { least, most }
  }

  #term(): Length {
    const atom = this.#atom()
    const [counted] = /^(?:\?|\{\d+(?:,\d*)?\})/.exec(this.#source.slice(this.#at)) ?? []
    if (counted === undefined) {
      if ('*+'.includes(this.#source[this.#at] ?? ' ')) {
        this.#fail(
          `repeats without end; expected {0,20} or another count in the place of ${this.#source[this.#at]}`,
        )
      }
      return atom
    }
    this.#at += counted.length
    if (this.#source[this.#at] === '?') this.#at++
    const [, from, to] = /^\{(\d+)(?:,(\d*))?\}$/.exec(counted) ?? ['', '0', '1']
    if (to === '') this.#fail('repeats without end; expected a count after the comma')
    const [least, most] = [Number(from), Number(to ?? from)]
    if (most > 1 && atom.least !== atom.most) {
      this.#fail('repeats what has several lengths; expected one count, not one in another')
    }
    return { least: least * atom.least, most: most * atom.most }
  }

  #atom(): Length {
    const one = this.#source[this.#at++]
    if (one === '(') return this.#group()
    if (one === '[') {
      while (this.#source[this.#at] !== ']') this.#at += this.#source[this.#at] === '\\' ? 2 : 1
      this.#at++
      return { least: 1, most: 1 }
    }
    if (one === '\\') return this.#escape()
    if (one === '^' || one === '$') {
      this.#fail(`asks for the begin or the end of a text, which a stream has not; expected none of ${one}`)
    }
    return { least: 1, most: 1 }
  }

  #group(): Length {
    if (this.#source.startsWith('?:', this.#at)) this.#at += 2
    else if (this.#source[this.#at] === '?')
      this.#fail('looks around or names a group; expected (?: … ) or ( … )')
    const length = this.whole()
    this.#at++
    return length
  }

  #escape(): Length {
    const rest = this.#source.slice(this.#at)
    if (/^[1-9k]/.test(rest)) this.#fail('goes back to a group; expected what it is, written out')
    if (/^[bB]/.test(rest)) {
      this.#at++
      return { least: 0, most: 0 }
    }
    const [whole] = /^(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|c[a-zA-Z]|.)/su.exec(
      rest,
    ) ?? ['']
    this.#at += whole.length
    return { least: 1, most: 1 }
  }
}
