import {
  add,
  addInto,
  checkArgument,
  checks,
  fill,
  multiply,
  type PlainTensors,
  scope,
  shown,
  StateError,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import {
  aGradientTransform,
  type GradientTransform,
  largestRateOf,
  refuseRows,
  restorable,
  skippedBy,
  type UpdateContext,
} from './gradient-transform.ts'
import { requireFinite } from '../non-finite/require-finite.ts'

interface AccumulateState {
  readonly taken: number
  readonly sums: PlainTensors
  readonly inner: unknown
  /** Set where a gradient among them may have been infinite or NaN. */
  readonly skips?: true
}

/**
 * Hands on the mean of every `count` gradients and returns zeros in between: `count` small batches learn what
 * one of their size together would teach. The inner optimizer sees one step for each mean, so its schedule
 * counts whole batches.
 *
 * What joins in between has had no gradient before its birth. A gradient that is infinite or NaN is refused
 * as optimizers do, and is not counted; where it may be skipped, or on a GPU, so is the mean, and the inner
 * optimizer leaves that alone.
 *
 * @param count A positive integer.
 * @throws OptionError for another count.
 * @example
 * ```ts
 * const optimizer = accumulate(8, chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 })))
 * ```
 */
export function accumulate(count: number, inner: GradientTransform): GradientTransform {
  checkArgument('accumulate', 'count', count, checks.integer({ from: 1 }))
  checkArgument('accumulate', 'inner', inner, aGradientTransform)
  refuseRows('accumulate', inner)
  const sums = new TensorMirror('sum of gradients', 'gradient')
  let taken = 0
  let skips = false
  const innerContext = (context: UpdateContext): UpdateContext => ({
    ...context,
    step: Math.floor(context.step / count),
  })
  // By the limits of the inner optimizer: what is in a sum cannot be refused any more.
  const inspect = (gradients: TensorsByPath, context: UpdateContext): void => {
    if (inner.inspect !== undefined) inner.inspect(gradients, innerContext(context))
    else if (context.nonFinite !== 'skip') requireFinite('accumulate', 'gradient', gradients)
  }
  return {
    name: `mean of ${count} → ${inner.name}`,
    mirrors: [sums, ...inner.mirrors],
    rateAt: (step) => largestRateOf([inner], Math.floor(step / count)),
    inspect,
    skipped: () => skippedBy([inner]),
    transform(gradients, context) {
      const { parameters, step } = context
      largestRateOf([inner], Math.floor(step / count))
      inspect(gradients, context)
      const entries = Object.entries(gradients)
      if (taken + 1 < count) {
        taken++
        skips ||= context.nonFinite === 'skip'
        const nothing = entries.map(([path, gradient]) => {
          scope(() => addInto(sums.getOrZero(path, gradient), multiply(gradient, 1 / count)))
          return [path, fill(gradient.device, gradient.shape, 0)] as const
        })
        return Object.fromEntries(nothing)
      }
      const means = entries.map(([path, gradient]) => {
        const last = multiply(gradient, 1 / count)
        const sum = sums.get(path)
        return [path, sum === undefined ? last : add(sum, last)] as const
      })
      // What sat out the last of the gradients still learns from those before.
      const early = sums.paths.filter((path) => !Object.hasOwn(gradients, path))
      for (const path of early) means.push([path, add(sums.getOrZero(path, parameters[path]), 0)])
      // Where one gradient of them might be skipped, so may the mean.
      const whole: UpdateContext = skips ? { ...context, nonFinite: 'skip' } : context
      const updates = inner.transform(Object.fromEntries(means), innerContext(whole))
      taken = 0
      skips = false
      sums.dispose()
      return updates
    },
    toState: async (): Promise<AccumulateState> => ({
      taken,
      sums: await sums.toState(),
      inner: await inner.toState(),
      ...(skips && { skips }),
    }),
    ...restorable(
      (state, parameters) => {
        const saved = state as AccumulateState | null | undefined
        if (!checks.integer({ from: 0, to: count - 1 }).accepts(saved?.taken)) {
          throw new StateError(
            `accumulate: the saved state has taken ${shown(saved?.taken)} gradients; expected fewer than ${count}. Build it the same way.`,
          )
        }
        sums.checkState(saved?.sums, parameters)
        inner.checkState?.(saved?.inner, parameters)
        return saved
      },
      (saved, parameters) => {
        sums.restore(saved.sums, parameters)
        inner.restore(saved.inner, parameters)
        taken = saved.taken
        skips = saved.skips === true
      },
    ),
  }
}
