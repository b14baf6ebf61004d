/**
 * Loss-aware reservoir sampling, balanced or not (Buzzega et al. 2020, "Rethinking experience replay", LARS
 * and LABRS), with losses that age.
 */
import { checkOptions, checks, checkState } from '@burgeon/tensor'
import { count, requireSameOptions, stateOfKind } from '../../saved-state.ts'
import { drawByWeight } from './draw-by-weight.ts'
import { aGrouping, type GroupedOptions, groupOf, type Grouping, placesByGroup } from './groups.ts'
import type { Memory, MemoryView, RememberedRow } from './memory.ts'

/** How a row is chosen that gives way. */
export interface LossAwareOptions extends GroupedOptions {
  /**
   * Steps in which half of what a measured loss says is forgotten, > 0: a row that has not been learnt for
   * long counts as one of average loss. Default 1000.
   */
  readonly halfLife?: number
  /** Whether rows of a domain that has many give way more easily (LABRS). Default true. */
  readonly balanced?: boolean
}

interface State {
  readonly kind: 'loss-aware memory'
  readonly options: Required<LossAwareOptions>
  readonly seen: number
}

/**
 * Accepts rows as a reservoir does, but lets go of what is known well: the lower the loss of a row when it
 * was last learnt, the likelier it gives way. With room in bytes, the number of rows never rises again once a
 * row was refused.
 *
 * @throws OptionError for a half-life that is not positive.
 */
export function lossAwareMemory(options: LossAwareOptions = {}): Memory {
  checkOptions('lossAwareMemory', options, {
    halfLife: checks.number({ above: 0 }),
    balanced: checks.boolean,
    by: aGrouping,
  })
  const { halfLife = 1000, balanced = true, by = 'domain' } = options
  const own: Required<LossAwareOptions> = { halfLife, balanced, by }
  let seen = 0
  const evict = ({ rows, step, draw }: Pick<MemoryView, 'rows' | 'step' | 'draw'>): number => {
    const known = scaled(agedLosses(rows, step, halfLife)).map((loss) => 1 - loss)
    const common = balanced ? scaled(sizesOfGroups(rows, by)) : undefined
    return drawn(common ? known.map((weight, i) => weight + common[i]) : known, draw)
  }
  return {
    name: `loss-aware${balanced ? ` and balanced by ${by}` : ''}, half-life ${halfLife}`,
    offer(_, { rows, isFull, step, draw }) {
      const isWhole = rows.length === seen
      seen++
      if (!isFull && isWhole) return rows.length
      return draw(seen) < rows.length ? evict({ rows, step, draw }) : null
    },
    evict,
    toState: (): State => ({ kind: 'loss-aware memory', options: own, seen }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'loss-aware memory')
      requireSameOptions('loss-aware memory', own, saved.options)
      seen = checkState<Pick<State, 'seen'>>('loss-aware memory', saved, { seen: count }).seen
    },
  }
}

/** Losses, each as far towards their mean as it is old: ℓ̄ + (ℓ − ℓ̄)·2^(−age / half-life). */
function agedLosses(rows: readonly RememberedRow[], step: number, halfLife: number): number[] {
  const mean = rows.reduce((sum, { loss }) => sum + loss, 0) / rows.length
  return rows.map(({ loss, learntAt }) => mean + (loss - mean) * 2 ** (-(step - learntAt) / halfLife))
}

/** For every row, how many rows its group has. */
function sizesOfGroups(rows: readonly RememberedRow[], by: Grouping): number[] {
  const groups = placesByGroup(rows, by)
  return rows.map((row) => groups.get(groupOf(row, by))?.length ?? 0)
}

/** Values in 0 … 1, the least becoming 0 and the greatest 1; all 0 where they are equal. */
function scaled(values: readonly number[]): number[] {
  const least = Math.min(...values)
  const range = Math.max(...values) - least
  return values.map((value) => (range > 0 ? (value - least) / range : 0))
}

/** A place, with a chance in proportion to its weight; any where all weights are 0. */
const drawn = (weights: readonly number[], draw: MemoryView['draw']): number =>
  weights.some((weight) => weight > 0) ? drawByWeight(weights, draw) : draw(weights.length)
