/** A memory that is offered rows one by one, and what it holds then. */
import { batchOfTokens, type Memory, padding, type Replay, replay, type TokenBatch } from '@burgeon/continual'
import { stepOf } from '../continual/step-of.ts'

/** A row as it comes: its number stands in its tokens. */
export interface Offer {
  readonly domain: string
  readonly loss?: number
}

/** One row of a domain, with its number in two tokens of a byte each. */
export const numbered = (number: number, domain: string): TokenBatch =>
  batchOfTokens([number >> 8, number & 255, 7], 2, domain)

/** Number of bytes that such a row takes. */
export const rowBytes = 4

/** Offers rows, numbered from `from` on, one in each step. */
export function offer(to: Replay, offers: readonly Offer[], from = 0): void {
  offers.forEach(({ domain, loss = 1 }, i) => {
    const number = from + i
    to.remember({ ...stepOf(numbered(number, domain)), step: number + 1, rowLosses: [loss] })
  })
}

/** Numbers of the rows that are kept, in order. */
export function keptBy(memory: Replay): number[] {
  const batch = memory.sample(memory.rows)
  return batch === null ? [] : numbersIn(batch as TokenBatch)
}

/** Numbers of rows that `numbered` made, in order. */
function numbersIn({ domains, tokens, length }: TokenBatch): number[] {
  const width = length + 1
  return domains
    .map((_, i) => {
      const [high, low] = tokens.subarray(i * width, (i + 1) * width).filter((token) => token !== padding)
      return 256 * high + low
    })
    .toSorted((a, b) => a - b)
}

/** Rows of a domain each, by letter. */
export const ofDomains = (letters: string): Offer[] => letters.split('').map((domain) => ({ domain }))

/** A replay of a memory that has been offered rows. */
export function filled(memory: Memory, capacity: number, offers: readonly Offer[], seed = 0): Replay {
  const made = replay({ capacity, memory, seed })
  offer(made, offers)
  return made
}
