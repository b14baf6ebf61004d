/** Sizes of a dense network, and the parameters that they mean. */
import { type Convolution, convolutionPaths, convolutionSizes } from './convolution.ts'

/** Sizes of a dense network. */
export interface DenseSizes {
  /** Numbers that are read for each example, ≥ 1. */
  readonly inputs: number
  /** Filters that read the inputs as an image, before the hidden layers; absent if there are none. */
  readonly convolution?: Convolution
  /** Units of each hidden layer, from the inputs on; none makes a linear model. */
  readonly hidden: readonly number[]
  /** Classes, or numbers, that are predicted, ≥ 1. */
  readonly outputs: number
}

/** A parameter of a network. */
export interface DenseShape {
  readonly path: string
  readonly axes: readonly ('input' | 'mlpHidden' | 'output')[]
  readonly shape: readonly number[]
  /** Numbers that come in and go out. */
  readonly fan: readonly [number, number]
  /** How often it is applied to one example: once, the filters of a convolution at every place. */
  readonly uses: number
}

/** The parameters in order: of each layer its weight `[in, out]` and its bias `[out]`. */
export function shapesOf({ inputs, convolution, hidden, outputs }: DenseSizes): DenseShape[] {
  const read = convolution === undefined ? inputs : convolutionSizes(convolution).outputs
  const widths = [read, ...hidden, outputs]
  const axisOf = (i: number): DenseShape['axes'][number] =>
    i === 0 ? 'input' : i === widths.length - 1 ? 'output' : 'mlpHidden'
  const layers = widths.slice(1).flatMap((to, i): DenseShape[] => {
    const [from, axis] = [widths[i], axisOf(i + 1)]
    const [fan, uses] = [[from, to] as const, 1]
    return [
      { path: `layers.${i}.weight`, axes: [axisOf(i), axis], shape: [from, to], fan, uses },
      { path: `layers.${i}.bias`, axes: [axis], shape: [to], fan, uses },
    ]
  })
  return convolution === undefined ? layers : [...filtersOf(convolution), ...layers]
}

function filtersOf(convolution: Convolution): DenseShape[] {
  const { patch, places: uses } = convolutionSizes(convolution)
  const { filters, kernelSize } = convolution
  const fan = [patch, kernelSize * kernelSize * filters] as const
  const { weight, bias } = convolutionPaths
  return [
    { path: weight, axes: ['input', 'output'], shape: [patch, filters], fan, uses },
    { path: bias, axes: ['output'], shape: [filters], fan, uses },
  ]
}
