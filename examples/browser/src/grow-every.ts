import type { GrowthPolicy } from 'burgeon'

/**
 * Grows every so many steps, so that one can watch: two wider MLPs, then a layer more. A model that is to be
 * used grows when it needs to (`growOnPlateau`, `growByCompute`).
 */
export function growEvery(steps: number): GrowthPolicy<number> {
  return {
    name: `every ${steps} steps`,
    initial: 0,
    decide({ stepsSinceGrowth, config }, _budget, growths) {
      if (stepsSinceGrowth < steps) return { request: null, reason: 'too early', state: growths }
      const narrowest = config.blocks.reduce((a, b) => (b.mlpHidden < a.mlpHidden ? b : a))
      const request =
        growths % 3 < 2
          ? ({ kind: 'widenMlp', block: narrowest.id, to: Math.ceil(narrowest.mlpHidden * 1.5) } as const)
          : ({ kind: 'addLayer', at: config.blocks.length, how: 'copy' } as const)
      return { request, reason: `${steps} steps have passed`, state: growths + 1 }
    },
  }
}
