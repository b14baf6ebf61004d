/** Sizes of a dense network, and the parameters that they mean. */

/** Sizes of a dense network. */
export interface DenseSizes {
  /** Numbers that are read for each example, ≥ 1. */
  readonly inputs: number
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
}

/** The parameters in order: of each layer its weight `[in, out]` and its bias `[out]`. */
export function shapesOf({ inputs, hidden, outputs }: DenseSizes): DenseShape[] {
  const widths = [inputs, ...hidden, outputs]
  const axisOf = (i: number): DenseShape['axes'][number] =>
    i === 0 ? 'input' : i === widths.length - 1 ? 'output' : 'mlpHidden'
  return widths.slice(1).flatMap((to, i): DenseShape[] => {
    const [from, axis] = [widths[i], axisOf(i + 1)]
    const fan = [from, to] as const
    return [
      { path: `layers.${i}.weight`, axes: [axisOf(i), axis], shape: [from, to], fan },
      { path: `layers.${i}.bias`, axes: [axis], shape: [to], fan },
    ]
  })
}
