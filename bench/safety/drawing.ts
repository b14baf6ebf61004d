/** Draws, and the check digits of what is drawn. */
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** Draws, from a seed. */
export interface Draw {
  /** An integer from 0 to below. */
  below(n: number): number
  of<T>(list: readonly T[]): T
  /** So many characters of an alphabet. */
  text(alphabet: string, length: number): string
  /** So many digits; the first is not 0. */
  number(length: number): string
}

export function drawer(seed: number, name: string): Draw {
  const random = new RandomStream(keyFromSeed(seed)).named(name)
  const below = (n: number): number => Math.min(n - 1, Math.floor(random.uniform() * n))
  const of = <T>(list: readonly T[]): T => list[below(list.length)]
  const text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[below(alphabet.length)]).join('')
  return { below, of, text, number: (length) => text('123456789', 1) + text('0123456789', length - 1) }
}

export const base62: string = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The digit that makes a number pass Luhn's check, put behind it. */
export function withLuhn(number: string): string {
  let sum = 0
  for (let i = number.length - 1, twice = true; i >= 0; i--, twice = !twice) {
    const value = Number(number[i]) * (twice ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return `${number}${(10 - (sum % 10)) % 10}`
}

/** 98 less the remainder of the account behind which the country and 00 stand, letters as two digits. */
export function ibanOf(country: string, account: string): string {
  const number = Array.from(`${account}${country}00`)
    .map((one) => parseInt(one, 36))
    .join('')
  let rest = 0
  for (const one of number) rest = (rest * 10 + Number(one)) % 97
  return `${country}${String(98 - rest).padStart(2, '0')}${account}`
}
