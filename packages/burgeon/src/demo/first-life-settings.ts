/** The settings of the default life. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LifeSettings } from '../session/life/life-settings.ts'

/** How a first life is lived: tuned so that it ends within three minutes on two cores. */
export function firstLifeSettings(seed: number, quick: boolean): LifeSettings {
  checkArgument('firstLifeSettings', 'seed', seed, checks.seed)
  checkArgument('firstLifeSettings', 'quick', quick, checks.boolean)
  return {
    model: { context: 64, embed: 96, heads: 3, layers: 2, mlpHidden: 128 },
    seed,
    rows: 2,
    learningRate: 1e-3,
    memoryRows: 2000,
    rehearsalShare: 1,
    protection: 0,
    plateau: quick ? 100 : 250,
    maxParameters: 600_000,
    vocabulary: 1536,
    watchesBytes: true,
  }
}

/** Bytes of each domain to learn and to measure on. */
export function firstLifeBytes(quick: boolean): { bytesPerDomain: number; heldOutBytes: number } {
  checkArgument('firstLifeBytes', 'quick', quick, checks.boolean)
  return quick
    ? { bytesPerDomain: 40_000, heldOutBytes: 4_000 }
    : { bytesPerDomain: 240_000, heldOutBytes: 8_000 }
}
