/** Events of units that begin again. */
import type { LearnerEvent } from '../journal/event.ts'
import type { UnitsToReset } from './reset-units.ts'

/** One event for each layer. */
export function resetEvents(resets: readonly UnitsToReset[], step: number, part: string): LearnerEvent[] {
  return resets.map(({ layer, units }) => {
    const summary = `${layer.name}: ${units.length === 1 ? 'one unit begins' : `${units.length} units begin`} again`
    return { kind: 'units reset', step, part, summary, data: { layer: layer.name, units } } as const
  })
}
