/** Models, rows and learners for the tests of labels before rows. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type ContextLabels,
  contextLabels,
  type ContextLabelsOptions,
  joinBatches,
  Learner,
  type LearnerOptions,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type Device, tensor } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'

export const device: Device = openWasm({ threads: 1 })
const sizes = { vocabulary: 12, context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }

export const bornOn = (own: Device = device): Gpt => Gpt.create(sizes, { device: own, seed: 3 })

/** Leaves no label out. */
export const always: ContextLabelsOptions = { drop: 0, dropAll: 0 }

/** Rows of six predictions, one for each domain, from a made-up text that begins at `from`. */
export const rowsIn = (domains: readonly string[], from = 0): TokenBatch =>
  joinBatches(
    domains.map((domain, i) => {
      const tokens = Array.from({ length: 7 }, (_, t) => (3 * from + 5 * i + t * t) % 12)
      return batchOfTokens(tokens, 6, domain)
    }),
  )

/** A learner with labels, and the labels. */
export function labelled(
  options: ContextLabelsOptions = always,
  more: Strategy = {},
  others: Partial<LearnerOptions> = {},
): { readonly learner: Learner; readonly labels: ContextLabels } {
  const labels = contextLabels(options)
  const optimizer = adamw({ learningRate: 1e-2 })
  const strategy = { ...more, context: labels }
  return { learner: new Learner({ model: bornOn(), optimizer, strategy, ...others }), labels }
}

/** Outputs after some tokens: of each the logits of the first `width` tokens. */
export function logitsOf(model: Gpt, tokens: readonly number[], width: number): number[][] {
  const all = [...model.forward(tensor([[...tokens]], { dtype: 'i32', device: model.device })).readSync()]
  const { vocabulary } = model.config
  return tokens.map((_, t) => all.slice(t * vocabulary, t * vocabulary + width))
}

/** The mean loss of the tokens of a row but the first, with others before it, from the definition. */
export function lossAfter(model: Gpt, before: readonly number[], row: readonly number[]): number {
  const { vocabulary } = model.config
  const logits = logitsOf(model, [...before, ...row.slice(0, -1)], vocabulary).slice(before.length)
  const losses = logits.map((own, t) => {
    const top = Math.max(...own)
    return top + Math.log(own.reduce((sum, x) => sum + Math.exp(x - top), 0)) - own[row[t + 1]]
  })
  return losses.reduce((a, b) => a + b, 0) / losses.length
}
