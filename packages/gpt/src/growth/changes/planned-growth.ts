/** What planning returns, and what every operator needs for it. */
import {
  type Average,
  type Axis,
  type Copy,
  type DimensionMap,
  type Initial,
  OptionError,
  type ParameterChange,
  type Plan,
  unchanged,
} from '@burgeon/tensor'
import { parametersOf } from '../../config/block-size.ts'
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../../config/parameters.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'

/** A plan with the configuration it leads to and its price, to be weighed before anything is paid. */
export interface PlannedGrowth {
  readonly request: GrowthRequest
  readonly plan: Plan
  readonly config: GptConfig
  /** Additional learnt numbers. */
  readonly parameters: number
  /** Whether the function stays as it is; true unless given. */
  readonly isExact?: boolean
}

export const zero: Initial = { kind: 'zero' }
export const small: Initial = { kind: 'normal', standardDeviation: 0.02 }

/** Learnt numbers that the second configuration has more than the first. */
export function parametersBetween(before: GptConfig, after: GptConfig): number {
  return parametersOf(after) - parametersOf(before)
}

/** Resizes the dimensions with this label in all these parameters. `fresh` says what new slices hold. */
export function resizeAxis(
  specs: readonly ParameterSpec[],
  axis: Axis,
  map: DimensionMap | ((spec: ParameterSpec) => DimensionMap),
  fresh: (spec: ParameterSpec) => Initial | Average,
): ParameterChange[] {
  return specs
    .filter(({ axes }) => axes.includes(axis))
    .map((spec) => {
      const along = typeof map === 'function' ? map(spec) : map
      const dimensions = spec.axes.map((label, i) => (label === axis ? along : unchanged(spec.shape[i])))
      return { kind: 'resize', path: spec.path, dimensions, fresh: fresh(spec) }
    })
}

/** What attention and MLPs write into the residual stream with. Where all of it is 0, a block passes the stream on as it is. */
export const isWriter = (path: string): boolean =>
  /\.(output|down)\.(weight|bias|adapter\.b\.weight)$/.test(path)

/**
 * A parameter of a part of the model that writes `share` of what it wrote. Its writers are multiplied by that; their gradients
 * stay, and those of all that stands before them are multiplied by it.
 *
 * @param gradient What else the gradients of all are multiplied by, 1 unless given.
 */
export function writingLess(
  { path, shape }: ParameterSpec,
  share: number,
  gradient: number = 1,
): ParameterChange {
  const [length, ...others] = shape
  const all = (factor: number): number[] => Array.from({ length }, () => factor)
  const first: DimensionMap = {
    ...unchanged(length),
    ...(isWriter(path) && share !== 1 && { valueFactor: all(share) }),
    gradientFactor: all(isWriter(path) ? gradient : gradient * share),
  }
  return { kind: 'resize', path, dimensions: [first, ...others.map(unchanged)], fresh: zero }
}

/** Adds what the second configuration has and the first has not; each starts as its specification says unless `initial` does. */
export function additions(
  before: GptConfig,
  after: GptConfig,
  initial: (spec: ParameterSpec) => Initial | Copy = (spec) => spec.initial,
): ParameterChange[] {
  const known = new Set(parameterSpecs(before).map(({ path }) => path))
  return parameterSpecs(after)
    .filter(({ path }) => !known.has(path))
    .map((spec) => ({
      kind: 'add',
      path: spec.path,
      axes: spec.axes,
      shape: spec.shape,
      initial: initial(spec),
    }))
}

/** The parameters of one part of a block, such as `attention`. */
export function specsOf(config: GptConfig, block: string, part: 'attention' | 'mlp'): ParameterSpec[] {
  const start = `blocks.${block}.${part}.`
  return parameterSpecs(config).filter(({ path }) => path.startsWith(start))
}

/** Throws OptionError if there is no such block. */
export function blockOf(axis: string, config: GptConfig, id: string): BlockConfig {
  const block = config.blocks.find((candidate) => candidate.id === id)
  if (block !== undefined) return block
  const known = config.blocks.map((other) => other.id).join(', ')
  throw new OptionError(`grow ${axis}: no block ${id}; this model has ${known}.`)
}

/** The configuration with one block's adapter taken away. */
export function withoutAdapter(config: GptConfig, id: string): GptConfig {
  const { adapter: _, ...without } = blockOf('adapter', config, id)
  return { ...config, blocks: config.blocks.map((block) => (block.id === id ? without : block)) }
}

/** The configuration with other sizes for one block. */
export function withBlock(config: GptConfig, id: string, sizes: Partial<BlockConfig>): GptConfig {
  const blocks = config.blocks.map((block) => (block.id === id ? { ...block, ...sizes } : block))
  return { ...config, blocks }
}

/** Throws OptionError unless `to` is an integer above `from`. */
export function checkGrows(axis: string, from: number, to: number): void {
  if (Number.isSafeInteger(to) && to > from) return
  throw new OptionError(`grow ${axis}: got to = ${to}; expected an integer above ${from}.`)
}

/** Throws OptionError for more means of old slices than can be taken at once: there is a matrix of them. */
export function checkMix(axis: string, from: number, added: number): void {
  if (added * from <= mostMixed) return
  throw new OptionError(
    `grow ${axis}: got ${added} new slices made of ${from} old ones; expected at most ${Math.floor(mostMixed / from)}. ` +
      'Grow in several steps.',
  )
}

/** Numbers of a matrix of means. */
const mostMixed = 2 ** 27

/** Throws OptionError for a choice that there is not, such as a misspelt one. */
export function checkChoice(axis: string, name: string, choice: string, all: readonly string[]): void {
  if (all.includes(choice)) return
  throw new OptionError(`grow ${axis}: got ${name} = ${choice}; expected ${all.join(' or ')}.`)
}
