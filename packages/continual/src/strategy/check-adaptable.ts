/** Refuses parts that are for other weights than those that learn: the model's, or an adapter's. */
import { OptionError } from '@burgeon/tensor'
import type { Strategy } from './strategy.ts'

/** Throws OptionError for a part that needs the weights of the model to learn or to grow. */
export function checkAdaptable(who: string, strategy: Strategy): void {
  const {
    penalties = [],
    projections = [],
    lookAhead,
    growth,
    freezing,
    vocabulary,
    context,
    average,
    upkeep = [],
  } = strategy
  const parts: readonly (readonly [what: string, part: { readonly name: string } | undefined])[] = [
    ['the penalty', penalties.find(({ of }) => of !== 'adapter')],
    ['the projection', projections.find(({ consolidate }) => consolidate !== undefined)],
    ['the look-ahead', lookAhead],
    ['the growth policy', growth],
    ['the freezing', freezing],
    ['the upkeep', upkeep[0]],
    ['the', context],
    ['the', average],
    ['the', vocabulary?.isFixed ? undefined : vocabulary],
  ]
  for (const [what, part] of parts) {
    if (part === undefined) continue
    throw new OptionError(
      `${who}: got an adapter and ${what} ${part.name}, which is for weights of the model, and those stay as they are; ` +
        'expected one of them. To learn or grow further, merge the adapter first (mergeLora), and learn without it.',
    )
  }
}

/** Throws OptionError for a part that needs an adapter to learn, where there is none. */
export function checkWithoutAdapter(who: string, { penalties = [] }: Strategy): void {
  const part = penalties.find(({ of }) => of === 'adapter')
  if (part === undefined) return
  throw new OptionError(
    `${who}: got the penalty ${part.name}, which is for weights of an adapter, and no adapter; expected one, as of fineTune.`,
  )
}
