/** The parameters of an adapter, and whether it fits a model. */
import { shown } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { blockSpecs, type ParameterSpec } from '../config/parameters.ts'
import { AdapterError } from './adapter-error.ts'
import { type LoraBlock, loraBlock, type LoraConfig, type LoraModule } from './lora-config.ts'

/** Path of A of a module. */
export const pathOfA = ({ path }: Pick<LoraModule, 'path'>): string => `${path}.lora.a.weight`

/** Path of B of a map. */
export const pathOfB = (map: string): string => `${map}.lora.b.weight`

const zero = { kind: 'zero' } as const

/** The id of the block of a path. */
export const blockIdOf = (path: string): string | undefined => /^blocks\.([^.]+)\./.exec(path)?.[1]

/** The weights of the linear maps of a block, by the path of the map. */
export function mapsOf(config: GptConfig, id: string): ReadonlyMap<string, ParameterSpec> {
  const block = config.blocks.find((own) => own.id === id)
  const specs = block ? blockSpecs(config, { ...block }, zero) : []
  const isMap = /\.(query|key|value|output|gate|up|down)\.weight$/
  return new Map(
    specs
      .filter(({ path }) => isMap.test(path) && !path.includes('.adapter.'))
      .map((spec) => [spec.path.slice(0, -'.weight'.length), spec]),
  )
}

/** How many of the dimensions of a map's weight are its input. */
const inputDimensions = (map: string): number => (map.endsWith('.attention.output') ? 2 : 1)

/** Numbers that a map reads, and that it makes, by the shape of its weight. */
export function sidesOf(
  map: string,
  shape: readonly number[],
): { readonly from: number; readonly to: number } {
  const inputs = inputDimensions(map)
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
  return { from: product(shape.slice(0, inputs)), to: product(shape.slice(inputs)) }
}

/**
 * All parameters of an adapter: of each module A `[in, rank]`, then B `[rank, out]` of each map. A starts
 * Gaussian with deviation 1/√(3·in), B as 0, so that a new adapter changes nothing.
 *
 * @throws AdapterError for a map that the model has not.
 */
export function loraSpecs(config: GptConfig, lora: LoraConfig): ParameterSpec[] {
  const known = new Map<string, ReadonlyMap<string, ParameterSpec>>()
  const weightOf = (map: string): ParameterSpec => {
    const id = blockIdOf(map) ?? ''
    const maps = known.get(id) ?? mapsOf(config, id)
    known.set(id, maps)
    const spec = maps.get(map)
    if (spec !== undefined) return spec
    throw new AdapterError(`adapter: got the map ${shown(map)}; expected one that the model has.`)
  }
  return lora.modules.flatMap((module) => {
    const { maps, rank } = module
    const first = weightOf(maps[0])
    const inputs = inputDimensions(maps[0])
    const from = first.shape.slice(0, inputs)
    const { from: K } = sidesOf(maps[0], first.shape)
    const a: ParameterSpec = {
      path: pathOfA(module),
      axes: [...first.axes.slice(0, inputs), 'rank'],
      shape: [...from, rank],
      initial: { kind: 'normal', standardDeviation: 1 / Math.sqrt(3 * K) },
    }
    const bs = maps.map((map): ParameterSpec => {
      const { axes, shape } = weightOf(map)
      return {
        path: pathOfB(map),
        axes: ['rank', ...axes.slice(inputs)],
        shape: [rank, ...shape.slice(inputs)],
        initial: zero,
      }
    })
    return [a, ...bs]
  })
}

const fitting = new WeakMap<LoraConfig, WeakSet<GptConfig>>()

/**
 * Throws AdapterError where the model has other sizes than the adapter was made for. Growth that leaves its
 * blocks as they are (new layers, a larger vocabulary or context, an adapter of the model's own) fits.
 *
 * @param who What the message begins with.
 */
export function checkFits(who: string, lora: LoraConfig, config: GptConfig): void {
  const known = fitting.get(lora) ?? new WeakSet()
  if (known.has(config)) return
  const difference = differenceOf(lora, config)
  if (difference !== undefined) {
    throw new AdapterError(
      `${who}: got an adapter for ${difference}; expected the sizes it was made for. The model is another, or has grown beneath ` +
        'it: merge the adapter before growth (mergeLora), take the growth back (ungrow), or make a new adapter.',
    )
  }
  loraSpecs(config, lora)
  fitting.set(lora, known.add(config))
}

function differenceOf(lora: LoraConfig, config: GptConfig): string | undefined {
  if (lora.embed !== config.embed) return `embed ${lora.embed} and a model with ${config.embed}`
  for (const own of lora.blocks) {
    const block = config.blocks.find(({ id }) => id === own.id)
    if (block === undefined) return `block ${own.id} and a model without it`
    const present = loraBlock(block)
    for (const size of [
      'mlpHidden',
      'heads',
      'kvHeads',
      'headDim',
      'experts',
    ] as const satisfies readonly (keyof LoraBlock)[]) {
      if (own[size] !== present[size]) {
        return `${size} ${own[size]} in block ${own.id} and a model with ${present[size]}`
      }
    }
  }
  return undefined
}
