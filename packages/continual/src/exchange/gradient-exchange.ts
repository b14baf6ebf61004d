/** Role: what several machines make of their gradients before a step, so that all take the same. */
import { type Check, checkArgument, checks, fields, OptionError } from '@burgeon/tensor'

/** Gradients of the mean loss of some rows, by path, as plain numbers. */
export interface PartGradients {
  readonly gradients: Readonly<Record<string, Float32Array>>
  /** Predictions of these rows that count, ≥ 0. */
  readonly counted: number
}

/** The step that gradients are of. */
export interface ExchangeContext {
  /** Updates made before it, rehearsed ones included: the same on every machine. */
  readonly step: number
  /** The weights that learn, by path: the same on every machine. */
  readonly weights: () => Promise<Readonly<Record<string, Float32Array>>>
}

/**
 * Brings together the gradients of one step. The rows of a machine are taken apart into `parts`, in order,
 * each with gradients of its own; every machine then has the parts of all in one order, and learns their
 * mean, by the predictions that count: Σ nᵢ·gᵢ / Σ nᵢ, in double precision, rounded once. So machines with
 * some parts each learn the same, to the bit, as one with all of them.
 */
export interface GradientExchange {
  readonly name: string
  /** Parts that the rows of this machine are taken apart into, an integer ≥ 1. Default 1. */
  readonly parts?: number
  /**
   * Gives the parts of this machine, and takes those of all, in the same order on every machine. If it
   * rejects, nothing is learnt.
   */
  exchange(own: readonly PartGradients[], context: ExchangeContext): Promise<readonly PartGradients[]>
}

/** Any object of the role. */
export const aGradientExchange: Check<GradientExchange> = checks.role(
  'an exchange of gradients',
  'name',
  'exchange',
)

/**
 * One machine by itself, whose rows are taken apart: to learn in little memory, and to compare several
 * machines with.
 *
 * @param parts An integer ≥ 1.
 * @throws OptionError for another number.
 */
export function gradientParts(parts: number): GradientExchange {
  checkArgument('gradientParts', 'parts', parts, checks.integer({ from: 1 }))
  return { name: `gradients in ${parts} parts`, parts, exchange: (own) => Promise.resolve(own) }
}

const someParts = checks.list(
  'a list of parts with gradients and counted',
  fields<PartGradients>('a part', {
    gradients: checks.record('gradients by path', checks.instance('a Float32Array', Float32Array)),
    counted: checks.count,
  }),
)

/**
 * The mean of the gradients of parts, by the predictions that count. Of no prediction at all it is 0.
 *
 * @throws OptionError for no parts, or parts of other weights than the first.
 */
export function meanGradients(parts: readonly PartGradients[]): Readonly<Record<string, Float32Array>> {
  checkArgument('meanGradients', 'parts', parts, someParts)
  if (parts.length === 0) throw new OptionError('meanGradients: got no parts; expected one or more.')
  const total = parts.reduce((sum, { counted }) => sum + counted, 0)
  const paths = Object.keys(parts[0].gradients)
  const entries = paths.map((path) => {
    const all = parts.map(({ gradients }) => gradients[path] as Float32Array | undefined)
    const { length } = parts[0].gradients[path]
    if (all.some((own) => own?.length !== length)) {
      throw new OptionError(
        `meanGradients: got gradients of ${path} of several sizes; expected those of one model.`,
      )
    }
    const mean = new Float32Array(length)
    for (let i = 0; i < length; i++) {
      let sum = 0
      for (const [at, own] of all.entries()) sum += parts[at].counted * (own as Float32Array)[i]
      mean[i] = total === 0 ? 0 : sum / total
    }
    return [path, mean] as const
  })
  return Object.fromEntries(entries)
}
