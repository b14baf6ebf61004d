/** Requests to a dense network, and the sizes that they lead to. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { DenseSizes } from './dense-sizes.ts'

/** Growth of a hidden layer. */
export interface WidenHidden {
  /** Which hidden layer, from the inputs on, counted from 0. */
  readonly layer: number
  /** Units that it is to have: more than now; split, at most twice as many. */
  readonly to: number
  /**
   * `fresh`: incoming weights drawn with variance 2/in, outgoing 0; `split`: units are split in two, which
   * share what they write (Net2WiderNet, Chen et al. 2016, section 2.2). `fresh` unless given.
   */
  readonly how?: 'fresh' | 'split'
}

/** The same as a request of a growth policy. */
export interface HiddenRequest extends WidenHidden {
  readonly kind: 'widenHidden'
}

/**
 * The sizes after a growth.
 *
 * @throws OptionError for a layer that does not exist, or a size that it cannot grow to.
 */
export function grownSizes(sizes: DenseSizes, request: WidenHidden & Partial<HiddenRequest>): DenseSizes {
  const { hidden } = sizes
  checkOptions('widenHidden', request, {
    kind: checks.oneOf('widenHidden'),
    layer: checks.required(checks.integer({ from: 0, to: hidden.length - 1 })),
    to: checks.required(checks.integer({ from: 1 })),
    how: checks.oneOf('fresh', 'split'),
  })
  const { layer, to, how } = request
  const from = hidden[layer]
  const most = how === 'split' ? 2 * from : Infinity
  if (to <= from || to > most) {
    throw new OptionError(
      `widenHidden: got to = ${to} for layer ${layer}; expected an integer above ${from}` +
        `${how === 'split' ? ` and at most ${most}: each unit splits in two` : ''}.`,
    )
  }
  return { ...sizes, hidden: hidden.map((units, i) => (i === layer ? to : units)) }
}

/** How much wider, and how. */
export interface WiderHiddenOptions {
  /** Share of its units by which the layer is widened, > 0; of one that is split, at most 1. Default 0.5. */
  readonly share?: number
  /** As in `WidenHidden`. */
  readonly how?: WidenHidden['how']
}

/**
 * Makes requests for growth policies: the hidden layer that has fewest units, the first of several, is
 * widened by a share of its units, and by one at least.
 *
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * const growth = growOnPlateau({ window: 100, patience: 200, request: widerHidden({ how: 'split' }) })
 * ```
 */
export function widerHidden(options: WiderHiddenOptions = {}): (sizes: DenseSizes) => HiddenRequest {
  checkOptions('widerHidden', options, {
    share: checks.number({ above: 0 }),
    how: checks.oneOf('fresh', 'split'),
  })
  const { share = 0.5, how } = options
  if (how === 'split') checkArgument('widerHidden', 'share', share, checks.number({ above: 0, to: 1 }))
  return ({ hidden }) => {
    const layer = hidden.indexOf(Math.min(...hidden))
    const to = hidden[layer] + Math.max(1, Math.round(hidden[layer] * share))
    return { kind: 'widenHidden', layer, to, ...(how && { how }) }
  }
}
