/** How the text of an option becomes its value. */
import { InvalidArgumentError, Option } from 'commander'

/** An option that may be given again and again; its value is the list. */
export function several<T = string>(
  flags: string,
  description: string,
  read: (text: string) => T = (text) => text as T,
): Option {
  return new Option(flags, description)
    .default([], 'none')
    .argParser<T[]>((text, before) => [...before, read(text)])
}

export function oneCharacter(text: string): string {
  const character = text === '\\t' ? '\t' : text
  if (/^[^"\r\n]$/u.test(character)) return character
  throw new InvalidArgumentError('Expected one character, or \\t; no quote and no line end.')
}

export function wholeNumber(min: number, max: number = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < min || value > max) {
      const bounds = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`
      throw new InvalidArgumentError(`Expected a whole number ${bounds}.`)
    }
    return value
  }
}

export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a number from ${min}${max === Infinity ? '' : ` to ${max}`}.`)
    }
    return value
  }
}

/** Where programs read what a command prints. */
export const json = (description: string): Option => new Option('--json', description).default(false)
