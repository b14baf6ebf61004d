/** Refuses what would change or judge the model itself where an adapter learns in its place. */
import { OptionError } from '@burgeon/tensor'
import type { Strategy } from './strategy.ts'

/** Throws OptionError for a part that needs the weights of the model to learn or to grow. */
export function checkAdaptable(who: string, strategy: Strategy): void {
  const { penalties = [], projections = [], lookAhead, growth, freezing, vocabulary, upkeep = [] } = strategy
  const parts: readonly (readonly [what: string, part: { readonly name: string } | undefined])[] = [
    ['the penalty', penalties[0]],
    ['the projection', projections.find(({ consolidate }) => consolidate !== undefined)],
    ['the look-ahead', lookAhead],
    ['the growth policy', growth],
    ['the freezing', freezing],
    ['the upkeep', upkeep[0]],
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
