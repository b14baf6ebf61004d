/**
 * How the products of a model are shared out among devices that are close to each other (Shoeybi et al. 2019,
 * section 3): as data. A matrix that is split by columns makes a part of the outputs on each device; the one behind
 * it is split by rows, reads that part, and makes a part of each sum. So two exchanges are needed in each block, and
 * none inside of attention and MLP.
 */
import { type GptConfig, parameterSpecs } from '@burgeon/gpt'
import { type Axis, type Check, checkArgument, checks, OptionError, sizeOf } from '@burgeon/tensor'

/** How one parameter lies on the devices. */
export interface SplitParameter {
  readonly path: string
  /** `whole`: on each of them. `split`: a range of one dimension on each. `first`: on the first, zeros on others. */
  readonly how: 'whole' | 'split' | 'first'
  /** The dimension that is split. */
  readonly dimension?: number
  /** Where the ranges begin, one number for each device, and the size behind them: the range of device i ends where that of i + 1 begins. */
  readonly borders?: readonly number[]
}

/** Numbers that devices sum up, each its part: one sum for each position of a pass, and the same on the way back. */
export interface SplitSum {
  readonly block: string
  /** What is summed, as `observe` of the forward pass calls it. */
  readonly what: 'attended' | 'mlpOutput'
  /** Numbers for each position. */
  readonly numbers: number
}

/** A plan. Plain data. */
export interface ProductSplit {
  readonly devices: number
  readonly parameters: readonly SplitParameter[]
  /** In the order of the pass. */
  readonly sums: readonly SplitSum[]
  /** Learnt numbers on each device. */
  readonly perDevice: readonly number[]
}

const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')

/**
 * Plans which matrices are split by columns and which by rows. Tables, norms, routers and the head stay whole: they
 * are small beside the blocks of a large model.
 *
 * @param devices 1 or more.
 * @throws OptionError for heads of keys and values, or units, that so many devices cannot share, and for a model with
 *   adapters, a patch front or packed weights.
 */
export function splitProducts(config: GptConfig, devices: number): ProductSplit {
  const who = 'splitProducts'
  checkArgument(who, 'config', config, aConfig)
  checkArgument(who, 'devices', devices, checks.integer({ from: 1 }))
  if (
    config.patches !== undefined ||
    config.packed !== undefined ||
    config.blocks.some(({ adapter }) => adapter)
  ) {
    throw new OptionError(
      `${who}: got a model with adapters, a patch front or packed weights; expected one without.`,
    )
  }
  for (const { id, kvHeads, mlpHidden } of config.blocks) {
    if (kvHeads % devices === 0 && mlpHidden >= devices) continue
    throw new OptionError(
      `${who}: got ${kvHeads} heads of keys and values and ${mlpHidden} units of block ${id} for ${devices} devices; expected a multiple, and a unit or more for each.`,
    )
  }
  const perDevice = new Array<number>(devices).fill(0)
  const parameters = parameterSpecs(config).map(({ path, axes, shape }): SplitParameter => {
    const dimension = axes.findIndex((axis) => splitAxes.includes(axis))
    const isOfBlock = path.startsWith('blocks.')
    if (isOfBlock && dimension >= 0) {
      const size = shape[dimension]
      const borders = Array.from({ length: devices + 1 }, (_, i) => Math.floor((i * size) / devices))
      const each = sizeOf(shape) / size
      for (let i = 0; i < devices; i++) perDevice[i] += each * (borders[i + 1] - borders[i])
      return { path, how: 'split', dimension, borders }
    }
    for (let i = 0; i < devices; i++) perDevice[i] += sizeOf(shape)
    return { path, how: /\.(output|down)\.bias$/.test(path) ? 'first' : 'whole' }
  })
  const sums = config.blocks.flatMap(({ id }) =>
    (['attended', 'mlpOutput'] as const).map((what) => ({ block: id, what, numbers: config.embed })),
  )
  return { devices, parameters, sums, perDevice }
}

const splitAxes: readonly Axis[] = ['head', 'kvHead', 'mlpHidden']
