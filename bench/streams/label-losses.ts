/** What labels are worth to a model that has learnt, for `npm run bench -- context-labels`. */
import { contextMixture, type Learner } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream, scope } from '@burgeon/tensor'
import { mean } from '../benchmark.ts'
import { type Domain, domains, mixed, rowBytes, type Texts } from './labelled-texts.ts'

/** Predictions of the beginning of a row. */
export const firstBytes = 8
/** Rows that follow each other in one text, over which its context is inferred. */
const rowsOfText = 4

/** Losses of held-out text in the end, mean of the domains, in bits per byte. */
export interface Outcome {
  readonly parameters: number
  /** Without a label. */
  readonly none: number
  readonly noneFirst: number
  /** After the label of the domain; of a model that knows none, as without. */
  readonly own: number
  readonly ownFirst: number
  /** After that of another domain, mean of all others. */
  readonly other: number
  /** Where it is inferred over texts of 256 bytes. */
  readonly inferred: number
  /** How much more any one such text costs at most than after its own label, in bits. */
  readonly dearest: number
  /** How often the label that is likeliest at the end of a text is its own. */
  readonly found: number
  /** Logits that were not the same to the bit when one more label was born. */
  readonly moved: number
}

/** Held-out rows of a domain, each going on where the one before ended; whole texts of them. */
function heldOutRows({ heldOut }: Texts[Domain]): Uint8Array[] {
  const texts = Math.floor((heldOut.length - 1) / (rowBytes * rowsOfText))
  return Array.from({ length: texts * rowsOfText }, (_, row) =>
    heldOut.subarray(row * rowBytes, (row + 1) * rowBytes + 1),
  )
}

/** The losses of held-out text without labels and after that of each domain, where there are any. */
export async function measured(
  model: Gpt,
  texts: Texts,
  tokensOf: ((domain: Domain) => readonly number[]) | undefined,
): Promise<Omit<Outcome, 'moved'>> {
  const found: Omit<Outcome, 'moved' | 'parameters'>[] = []
  for (const domain of domains) {
    const rows = heldOutRows(texts[domain])
    const none = await lossesAfter(model, [], rows)
    const after = new Map<Domain, number[][]>()
    for (const name of domains) {
      after.set(name, tokensOf ? await lossesAfter(model, tokensOf(name), rows) : none)
    }
    const own = after.get(domain) ?? none
    const others = domains.filter((name) => name !== domain).map((name) => after.get(name) ?? none)
    const inferred = Array.from({ length: rows.length / rowsOfText }, (_, text) => {
      const of = (table: readonly number[][]): number[] =>
        table.slice(text * rowsOfText, (text + 1) * rowsOfText).flat()
      return inferredOver(
        domains.map((name) => of(after.get(name) ?? none)),
        domains.indexOf(domain),
      )
    })
    found.push({
      none: bitsOf(none),
      noneFirst: bitsOf(none, firstBytes),
      own: bitsOf(own),
      ownFirst: bitsOf(own, firstBytes),
      other: mean(others.map((table) => bitsOf(table))),
      inferred: mean(inferred.map(({ bits }) => bits)) / (rowBytes * rowsOfText),
      dearest: Math.max(...inferred.map(({ over }) => over)),
      found: mean(inferred.map(({ isFound }) => (isFound ? 1 : 0))),
    })
  }
  const of = (metric: keyof (typeof found)[number]): number[] => found.map((one) => one[metric])
  return {
    parameters: model.parameters.size,
    ...{ none: mean(of('none')), noneFirst: mean(of('noneFirst')), own: mean(of('own')) },
    ...{ ownFirst: mean(of('ownFirst')), other: mean(of('other')), inferred: mean(of('inferred')) },
    ...{ dearest: Math.max(...of('dearest')), found: mean(of('found')) },
  }
}

/** The loss of each prediction of some rows after some tokens, row by row, in nats. */
async function lossesAfter(
  model: Gpt,
  before: readonly number[],
  rows: readonly Uint8Array[],
): Promise<number[][]> {
  const [length, together] = [before.length + rowBytes, 64]
  const found: number[][] = []
  for (let at = 0; at < rows.length; at += together) {
    const some = rows.slice(at, at + together)
    const read = some.flatMap((row) => [...before, ...row.subarray(0, rowBytes)])
    const wanted = some.flatMap((row) => [...before.map(() => -1), ...row.subarray(1)])
    using tokens = model.device.tensor(read, { shape: [some.length, length], dtype: 'i32' })
    using targets = model.device.tensor(wanted, { shape: [wanted.length], dtype: 'i32' })
    using losses = scope(() => model.losses(tokens, targets))
    const values = Array.from(await losses.read())
    found.push(...some.map((_, row) => values.slice(row * length + before.length, (row + 1) * length)))
  }
  return found
}

const bitsOf = (table: readonly (readonly number[])[], first = rowBytes): number =>
  mean(table.flatMap((row) => row.slice(0, first))) / Math.LN2

/** What a text costs whose context is inferred, and how much more than in its own, in bits. */
function inferredOver(
  table: readonly (readonly number[])[],
  own: number,
): { readonly bits: number; readonly over: number; readonly isFound: boolean } {
  const mixture = contextMixture(table.length)
  const nats = table[0].reduce((total, _, t) => total + mixture.update(table.map((losses) => losses[t])), 0)
  const alone = table[own].reduce((a, b) => a + b, 0)
  const { probabilities } = mixture
  return {
    bits: nats / Math.LN2,
    over: (nats - alone) / Math.LN2,
    isFound: probabilities[own] === Math.max(...probabilities),
  }
}

/** Has one more label born, and counts the logits of old tokens that changed, without labels and with. */
export async function movedByBirth(learner: Learner, texts: Texts): Promise<number> {
  const { model, strategy } = learner
  const old = model.config.vocabulary
  const outputs = async (): Promise<number[][]> => {
    const found: number[][] = []
    for (const before of [[], ...domains.map((domain) => strategy.context?.tokensOf({ domain }) ?? [])]) {
      const read = domains.flatMap((domain) => [...before, ...texts[domain].heldOut.subarray(0, rowBytes)])
      using tokens = model.device.tensor(read, {
        shape: [domains.length, before.length + rowBytes],
        dtype: 'i32',
      })
      using logits = scope(() => model.forward(tokens))
      const values = await logits.read()
      found.push(Array.from(values).filter((_, i) => i % model.config.vocabulary < old))
    }
    return found
  }
  const before = await outputs()
  const rows = mixed(texts, new RandomStream(keyFromSeed(1)))
  await learner.observe({ ...rows, domains: rows.domains.map(() => 'one more') })
  if (model.config.vocabulary !== old + 1) throw new RangeError('expected one more label to be born.')
  const after = await outputs()
  return before.reduce(
    (total, own, i) => total + own.filter((value, at) => !Object.is(value, after[i][at])).length,
    0,
  )
}
