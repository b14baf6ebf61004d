/** Longer sequences. */
import {
  type SliceAverage,
  type DimensionMap,
  extendAxis,
  type InitialValues,
  type ParameterChange,
} from '@burgeon/tensor'
import type { GptConfig } from '../../../config/gpt-config.ts'
import { parameterSpecs } from '../../../config/parameters.ts'
import type { GrowContext } from '../../requests/growth-request.ts'
import { resizeAxis, small } from '../../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../../changes/planned-growth.ts'
import { checkChoice, checkGrows, checkMix } from '../../requests/check-values.ts'

/** The configuration for longer sequences. */
function configAfter(config: GptConfig, { to, how = 'appended' }: GrowContext): GptConfig {
  const { context: from, positions } = config
  checkGrows('growContext', from, to)
  const choices = ['appended', 'stretched', positions === 'rotary' ? 'byParts' : 'repeated']
  checkChoice('growContext', `${positions} positions and how`, how, choices)
  if (how !== 'appended' && positions === 'learned') checkMix('growContext', from, to - from)
  const slowed = (frequency: number): number =>
    (how === 'byParts' ? shareOfParts(frequency, from, to) : from / to) * frequency
  const blocks = keepsOldPositions(how)
    ? config.blocks
    : config.blocks.map(({ frequencies, ...block }) => ({
        ...block,
        ...(frequencies && { frequencies: frequencies.map(slowed) }),
      }))
  return { ...config, context: to, blocks }
}

const keepsOldPositions = (how: GrowContext['how']): boolean => how === 'appended' || how === 'repeated'

/**
 * Appended positions are random and small, like those of a new model, and repeated ones are like the old
 * ones, in turn; attention is causal: no earlier position sees them. Stretched ones lie between the old ones,
 * in the table of learned positions or by slower rotary frequencies.
 */
function plan(request: GrowContext, { config, after, key }: GrowthStep): PlannedGrowth {
  const { context: from, positions } = config
  const { to, how = 'appended' } = request
  const isExact = keepsOldPositions(how)
  const changes = positions === 'rotary' ? [] : changesOf(config, request)
  const said = {
    appended: '',
    repeated: ' (repeated)',
    stretched: ' (stretched)',
    byParts: ' (stretched by parts)',
  }[how]
  return planned(request, { config, after, key, summary: `context ${from} → ${to}${said}`, changes, isExact })
}

/** Rotary positions have no table. */
function changesOf(config: GptConfig, { to, how = 'appended' }: GrowContext): ParameterChange[] {
  const { context: from } = config
  const [map, fresh] = how === 'appended' || how === 'repeated' ? later(from, to, how) : stretched(from, to)
  return resizeAxis(parameterSpecs(config), 'context', map, () => fresh)
}

function later(
  from: number,
  to: number,
  how: 'appended' | 'repeated',
): [DimensionMap, InitialValues | SliceAverage] {
  const of = Array.from({ length: to - from }, (_, i) => [i % from])
  return [extendAxis(from, to), how === 'repeated' ? { kind: 'average', axis: 0, of } : small]
}

/**
 * Row i moves to the place nearest to i·to/from; rows between two lie evenly on the line from one to the
 * other, and those after the last are like it.
 */
function stretched(from: number, to: number): [DimensionMap, SliceAverage] {
  const source = Array.from({ length: to }, () => -1)
  for (let i = 0; i < from; i++) source[Math.round((i * to) / from)] = i
  const of: number[][] = []
  for (let below = 0; below < from; below++) {
    const [at, next] = [below, below + 1].map((i) => Math.round((i * to) / from))
    const above = Math.min(below + 1, from - 1)
    for (let j = at + 1; j < next; j++)
      of.push(Array.from({ length: next - at }, (_, part) => (part < j - at ? above : below)))
  }
  return [
    { from, source },
    { kind: 'average', axis: 0, of },
  ]
}

/** Rotations within the old context below which a pair is stretched, and above which it stays. */
const [fewRotations, manyRotations] = [1, 32]

/**
 * h(θ)/θ of Peng et al. 2023, eqs. 17 to 20: 1 for a pair that rotates often, from/to for one that hardly
 * does.
 */
function shareOfParts(frequency: number, from: number, to: number): number {
  const rotations = (frequency * from) / (2 * Math.PI)
  const stays = Math.min(1, Math.max(0, (rotations - fewRotations) / (manyRotations - fewRotations)))
  return stays + (1 - stays) * (from / to)
}

/** The operator of `GrowContext`. */
export const growContext: Operator<GrowContext> = { configAfter, plan }
