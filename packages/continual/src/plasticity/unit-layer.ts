/** The hidden units of a model, layer by layer: what they hear, and what they say. */
import { Gpt, parameterSpecs } from '@burgeon/gpt'
import { checkArgument, checks, type Parameter } from '@burgeon/tensor'

/** The hidden units of one MLP. */
export interface UnitLayer {
  /** Path of its maps: `blocks.b0.mlp`. */
  readonly name: string
  readonly size: number
  /** Block that shows its activations, and the place of its first unit among them. */
  readonly block: string
  readonly offset: number
}

/** One parameter of a layer, and the dimension that belongs to its units. */
export interface UnitParameter {
  readonly parameter: Parameter
  readonly axis: number
  /** Whether it carries what the units say, and not what they hear. */
  readonly isOutgoing: boolean
}

const aGpt = checks.instance('a Gpt', Gpt)

/** Throws OptionError for a model of another kind, whose hidden units are not known here. */
export function requireGpt(who: string, model: unknown): asserts model is Gpt {
  checkArgument(who, 'model', model, aGpt)
}

/** All layers of hidden units, from the input to the output; of several experts, each is a layer. */
export function unitLayersOf({ config }: Gpt): UnitLayer[] {
  const names = parameterSpecs(config)
    .filter(({ path, axes }) => path.endsWith('.up.weight') && axes.at(-1) === 'mlpHidden')
    .map(({ path }) => path.slice(0, -'.up.weight'.length))
  return config.blocks.flatMap(({ id, mlpHidden }) =>
    names
      .filter((name) => name.startsWith(`blocks.${id}.`))
      .map((name, expert) => ({ name, size: mlpHidden, block: id, offset: expert * mlpHidden })),
  )
}

/** The parameters that have a slice for each unit of a layer. */
export function parametersOf({ parameters }: Gpt, { name }: UnitLayer): UnitParameter[] {
  return [...parameters].flatMap((parameter) => {
    const { path, axes } = parameter
    const axis = axes.indexOf('mlpHidden')
    if (axis < 0 || !isOf(name, path)) return []
    return [{ parameter, axis, isOutgoing: path.startsWith(`${name}.down.`) }]
  })
}

const isOf = (name: string, path: string): boolean =>
  ['gate', 'up', 'down'].some((map) => path.startsWith(`${name}.${map}.`))

/** Path of the parameter by which growth is followed: it has a column for each unit. */
export const heardBy = (name: string): string => `${name}.up.weight`

/** Path of the weights of what the units say, [units, width]. */
export const saidBy = (name: string): string => `${name}.down.weight`

/** Path of the bias that is added to what the units say. */
export const biasOf = (name: string): string => `${name}.down.bias`
