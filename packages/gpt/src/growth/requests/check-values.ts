/** Checks on the values of a request that depend on the model. */
import { OptionError } from '@burgeon/tensor'

/** Throws OptionError unless `to` is an integer above `from`. */
export function checkGrows(kind: string, from: number, to: number): void {
  if (Number.isSafeInteger(to) && to > from) return
  throw new OptionError(`grow ${kind}: got to = ${to}; expected an integer above ${from}.`)
}

/** Numbers of a matrix of means. */
const maxMixed = 2 ** 27

/** Throws OptionError for more means of old slices than can be taken at once: there is a matrix of them. */
export function checkMix(kind: string, from: number, added: number): void {
  if (added * from <= maxMixed) return
  throw new OptionError(
    `grow ${kind}: got ${added} new slices made of ${from} old ones; expected at most ${Math.floor(maxMixed / from)}. ` +
      'Grow in several steps.',
  )
}

/** Throws OptionError for a choice that there is not, such as a misspelt one. */
export function checkChoice(kind: string, name: string, choice: string, all: readonly string[]): void {
  if (all.includes(choice)) return
  throw new OptionError(`grow ${kind}: got ${name} = ${choice}; expected ${all.join(' or ')}.`)
}
