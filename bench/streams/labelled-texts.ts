/** Three languages and Shakespeare: the texts of `npm run bench -- context-labels`, and rows of them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchOfTokens, joinBatches, type TokenBatch } from '@burgeon/continual'
import type { RandomStream } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'

/** Predictions of a row. */
export const rowBytes = 64
const [rowsOfStep, heldOutBytes] = [8, 16_384]

const files = {
  English: 'genesis-english-web.txt',
  German: 'genesis-german.txt',
  French: 'genesis-french.txt',
  Shakespeare: 'tinyshakespeare.txt',
}
export type Domain = keyof typeof files
export const domains = Object.keys(files) as readonly Domain[]
interface Text {
  readonly learnt: Uint8Array
  readonly heldOut: Uint8Array
}
export type Texts = Readonly<Record<Domain, Text>>

/** Rows from anywhere in the texts, each of a domain that is drawn. */
export const mixed = (texts: Texts, random: RandomStream): TokenBatch =>
  joinBatches(
    Array.from({ length: rowsOfStep }, () => {
      const domain = domains[random.below(domains.length)]
      const { learnt } = texts[domain]
      const from = random.below(learnt.length - rowBytes)
      return batchOfTokens(learnt.subarray(from, from + rowBytes + 1), rowBytes, domain)
    }),
  )

/** The texts of a folder; the end of each is held out. */
export function textsIn(data: string | undefined): Texts {
  if (data === undefined) {
    throw new UsageError('context-labels: got no --data DIR; expected a folder with four texts.')
  }
  const text = (file: string): Text => {
    const path = join(data, file)
    if (!existsSync(path)) throw new UsageError(`context-labels: got no ${path}; expected the text there.`)
    const all = new Uint8Array(readFileSync(path))
    return { learnt: all.subarray(0, -heldOutBytes), heldOut: all.subarray(-heldOutBytes) }
  }
  return Object.fromEntries(domains.map((domain) => [domain, text(files[domain])])) as Texts
}
