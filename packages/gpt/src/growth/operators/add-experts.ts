/** Several experts in the place of one MLP. */
import type { ParameterCopy, InitialValues } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { expertPaths, type ParameterSpec } from '../../config/parameters.ts'
import type { AddExperts } from '../requests/growth-request.ts'
import { blockOf, withBlock } from '../changes/block-edits.ts'
import { additions, isWriter, resizeAxis, specsOf, writingLess, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkGrows } from '../requests/check-values.ts'

/** The configuration with so many experts. */
function configAfter(config: GptConfig, { block: id, to }: AddExperts): GptConfig {
  const { expertShares: shares = [1] } = blockOf('addExperts', config, id)
  checkGrows('addExperts', shares.length, to)
  return withBlock(config, id, { expertShares: splitOf(shares, to).expertShares })
}

/**
 * From one MLP to n: copies of it, weighted by gates whose sum is 1, and a random router (sparse upcycling,
 * Komatsuzaki et al. 2023, with every expert at work). A mean of equal outputs is that output, whatever the
 * gates: the router's logits may vary with deviation 1 between tokens. So each copy's gradient is another
 * weighted sum over tokens, and copies part with the first step; the router learns as soon as they have.
 *
 * From n to more: the experts with the largest shares are copied, each copy with its original's column of the
 * router. If m of them share one's share equally, each has 1/m of its gate at every token, and all other
 * gates stay. Their columns have to be alike for that, and so do not tell them apart; but what they write may
 * differ as long as it is the same on the average: the k-th writes c_k = 1/2 + k/(m − 1) times what the
 * original wrote, of which the sum is m. So their gradients differ by more than a factor after one step, and
 * the router, whose gradient is gate·(output of the expert − output of all together), parts them at once. The
 * original's 1/2 is a power of two, which the way back undoes exactly.
 *
 * Moments of the original follow the gradient: its gate, so all of it, is m times smaller, and what stands
 * before the halved writers is halved once more. 1/m is taken as the nearest power of two, again for the way
 * back; from one MLP it is an average, too, as gates are not equal. Copies have the rest of it.
 */
function plan(request: AddExperts, { config, after, key }: GrowthStep): PlannedGrowth {
  const { block: id, to } = request
  const block = blockOf('addExperts', config, id)
  const shares = block.expertShares ?? [1]
  const from = shares.length
  const { originals, copiesOf, expertShares, writes, gates, gatesOfCopies } = splitOf(shares, to)
  const paths = expertPaths({ ...block, expertShares })
  /** The number of the expert that a parameter belongs to; −1 for norm and router. */
  const expertOf = ({ path }: ParameterSpec): number =>
    /\.mlp\.(norm|router)\./.test(path) ? -1 : paths.findLastIndex((at) => path.startsWith(`${at}.`))
  const copy = (spec: ParameterSpec): InitialValues | ParameterCopy => {
    const expert = expertOf(spec)
    if (expert < 0) return spec.initial
    const of = spec.path.replace(`${paths[expert]}.`, `${paths[originals[expert]]}.`)
    const gate = gatesOfCopies[originals[expert]]
    return isWriter(spec.path)
      ? { kind: 'copy', of, factor: writes[expert], gradientFactor: gate }
      : { kind: 'copy', of, gradientFactor: gate * writes[expert] }
  }
  const before = specsOf(config, id, 'mlp')
  const columns = { from, source: originals, gradientFactor: columnFactors(from, originals, copiesOf, gates) }
  const changes = [
    ...resizeAxis(before, 'expert', columns, () => zero),
    ...before
      .filter((spec) => copiesOf[expertOf(spec)] > 1)
      .map((spec) => writingLess(spec, writes[expertOf(spec)], gates[expertOf(spec)])),
    ...additions(config, after, copy),
  ]
  const summary = `block ${id}: experts ${from} → ${to}`
  return planned(request, { config, after, key, summary, changes })
}

/** Who becomes what when experts with these shares become more. */
interface Split {
  /** For each expert afterwards, the old one that it is or is a copy of. */
  readonly originals: readonly number[]
  /** For each old expert, the number of its copies, itself included. */
  readonly copiesOf: readonly number[]
  readonly expertShares: readonly number[]
  /** For each expert afterwards, the share of its original's output that it writes. */
  readonly writes: readonly number[]
  /** For each old expert, the share of its gate that it keeps: a power of two. */
  readonly gates: readonly number[]
  /**
   * For each old expert, the share of its gate that a copy gets: all gradients together are what the one was.
   */
  readonly gatesOfCopies: readonly number[]
}

/**
 * Each new expert takes part of the largest share there is then. One MLP has no columns of a router to share:
 * its copies are equals.
 */
function splitOf(shares: readonly number[], to: number): Split {
  const originals = shares.map((_, i) => i)
  const copiesOf = shares.map(() => 1)
  while (originals.length < to) {
    const parts = shares.map((share, i) => share / copiesOf[i])
    const largest = parts.indexOf(parts.reduce((a, b) => Math.max(a, b), -Infinity))
    originals.push(largest)
    copiesOf[largest]++
  }
  const isOne = shares.length === 1
  const next = shares.map(() => 0)
  const gates = copiesOf.map((m) => 2 ** -Math.round(Math.log2(m)))
  return {
    originals,
    copiesOf,
    expertShares: originals.map((original) => (isOne ? 1 : shares[original] / copiesOf[original])),
    writes: originals.map((original) => {
      const [m, k] = [copiesOf[original], next[original]++]
      return isOne || m === 1 ? 1 : 1 / 2 + k / (m - 1)
    }),
    gates,
    gatesOfCopies: copiesOf.map((m, i) =>
      isOne ? (1 - gates[i]) / (m - 1) : (1 - gates[i] / 2) / (m - 1 / 2),
    ),
  }
}

/** Columns of copies share the gradient of their original's, of which this keeps its power of two. */
function columnFactors(
  from: number,
  originals: readonly number[],
  copiesOf: readonly number[],
  gates: readonly number[],
): number[] {
  return originals.map((original, i) =>
    i < from ? gates[original] : (1 - gates[original]) / (copiesOf[original] - 1),
  )
}

/** The operator of `AddExperts`. */
export const addExperts: Operator<AddExperts> = { configAfter, plan }
