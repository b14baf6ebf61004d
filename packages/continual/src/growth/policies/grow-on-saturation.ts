/** Grows where the units that are there are used up, and not where they lie idle. */
import { checkOptions, checks } from '@burgeon/tensor'
import type { GrowthPolicy } from '../growth-policy.ts'
import { largestBy, measuredBlocks, widened } from '../requests/widened.ts'
import { excessOf } from '../within-budget.ts'

/** When `growOnSaturation` looks, and what counts as full or idle. */
export interface SaturationOptions {
  /**
   * Steps from one measurement to the next, and from a growth to the first after it, ≥ 1; 100 unless given.
   */
  readonly every?: number
  /**
   * Effective rank of the hidden activations, relative to the number of units, from which an MLP counts as
   * full, in (0, 1]; 0.6 unless given.
   */
  readonly rank?: number
  /**
   * Share of dormant units above which a block wants repair instead of growth, in [0, 1); 0.1 unless given.
   */
  readonly dormant?: number
  /** Share by which the MLP is widened, > 0; 0.25 unless given. */
  readonly widen?: number
}

/**
 * Widens the MLP whose activations fill the largest share of the directions that its units could give them,
 * once that share is large. If units of any block lie dormant there is room already, and it does not grow:
 * what that model needs is repair (Sokar et al. 2023).
 *
 * A block with no fewer units than the measured tokens is not judged: its rank would depend on the number of
 * tokens.
 *
 * @throws OptionError for options out of range.
 */
export function growOnSaturation(options: SaturationOptions = {}): GrowthPolicy<null> {
  checkOptions('growOnSaturation', options, {
    every: checks.integer({ from: 1 }),
    rank: checks.number({ above: 0, to: 1 }),
    dormant: checks.number({ from: 0, below: 1 }),
    widen: checks.number({ above: 0 }),
  })
  const { every = 100, rank = 0.6, dormant = 0.1, widen = 0.25 } = options
  return {
    name: `on saturation, every ${every} steps`,
    initial: null,
    measures: ({ stepsSinceGrowth }) => stepsSinceGrowth > 0 && stepsSinceGrowth % every === 0,
    decide(signals, budget) {
      const { measured, config } = signals
      const stay = (reason: string) => ({ request: null, reason, state: null })
      if (measured === undefined) return stay('not measured at this step')
      const blocks = measuredBlocks(config, measured)
      const idlest = largestBy(blocks, (own) => own.dormant)
      if (idlest !== undefined && idlest.signals.dormant > dormant) {
        return stay(
          `repair first: ${percent(idlest.signals.dormant)} of the units of block ${idlest.block.id} are dormant`,
        )
      }
      const judged = blocks.filter(({ block, signals: own }) => own.maxRank >= block.mlpHidden)
      const fullest = largestBy(judged, (own) => own.effectiveRank / own.maxRank)
      if (fullest === undefined) return stay(`${measured.tokens} tokens are too few to judge so many units`)
      const { block, signals: own } = fullest
      const reason =
        `block ${block.id}: its ${block.mlpHidden} units fill ${own.effectiveRank.toFixed(1)} directions, ` +
        `${percent(own.dormant)} are dormant`
      if (own.effectiveRank < rank * own.maxRank) return stay(reason)
      const request = widened(block, widen)
      if (excessOf(signals, request, budget) !== null) return stay(`the budget is spent (${reason})`)
      return { request, reason, state: null }
    },
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`
