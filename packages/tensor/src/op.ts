/**
 * The definition of an op: its name, the shapes it takes and returns, its cost and, for a fused op, its
 * meaning in other ops.
 */
import type { DType } from './dtype.ts'
import { ShapeError } from './errors.ts'
import { formatShape, type Shape, type TensorSpec } from './shape.ts'
import type { Tensor } from './tensor.ts'

/**
 * One row of the op table. `Attrs` are the arguments that are not tensors: plain data that can be written to
 * a log.
 */
export interface OpDefinition<Attrs> {
  readonly name: string
  /** Names and element types of the inputs, in order; or `several`: one or more, of any type. */
  readonly takes: Readonly<Record<string, DType | 'any'>> | 'several'
  /**
   * Checks the arguments and returns the outputs' shapes and element types. Throws ShapeError or OptionError.
   */
  infer(inputs: readonly TensorSpec[], attrs: Attrs): readonly TensorSpec[]
  /**
   * Floating-point operations of one call: the multiplications and additions of the formula. An op that only
   * moves numbers has none, and need not say so.
   */
  flops(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[], attrs: Attrs): number
  /**
   * A fused op is a lowering of this: its meaning written in other ops, its oracle, fallback and second
   * derivative.
   */
  definition?(inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[]
  /** Indices of the inputs that the op writes in place. No tape records such an op. */
  readonly mutates?: readonly number[]
  /**
   * The op only moves numbers of its inputs, whatever they are, to places that its attributes give. So errors
   * move with them, and its gradient reads none of them.
   */
  readonly movement?: true
  /** The only output shares the storage of input 0. */
  readonly alias?: true
}

/** The definition of an op as it is written: one that only moves numbers needs no `flops`. */
type Written<Attrs> =
  | OpDefinition<Attrs>
  | (Omit<OpDefinition<Attrs>, 'flops' | 'movement'> & { readonly movement: true })

/**
 * Defines an op. It names the type of the attributes, keeps the rest of the literal's type, and lets `infer`
 * see only inputs of the number and the element types that the op takes.
 */
export function defineOp<Attrs>() {
  return <const D extends Written<Attrs>>(definition: D): D & OpDefinition<Attrs> => {
    const infer = (inputs: readonly TensorSpec[], attrs: Attrs): readonly TensorSpec[] => {
      checkInputs(definition, inputs)
      return definition.infer(inputs, attrs)
    }
    return { flops: movesOnly, ...definition, infer } as D & OpDefinition<Attrs>
  }
}

function checkInputs(
  { name, takes }: Pick<OpDefinition<never>, 'name' | 'takes'>,
  inputs: readonly TensorSpec[],
): void {
  const wanted = takes === 'several' ? inputs.map(() => 'any') : Object.values(takes)
  const fits =
    inputs.length === wanted.length && inputs.every((x, i) => wanted[i] === 'any' || wanted[i] === x.dtype)
  if (fits && (takes !== 'several' || inputs.length > 0)) return
  const got = inputs.map((x) => `${x.dtype}${formatShape(x.shape)}`).join(', ')
  const names = Object.entries(takes).map(([input, dtype]) => (dtype === 'any' ? input : `${input} ${dtype}`))
  const expected = takes === 'several' ? 'at least one tensor' : names.join(', ') || 'no tensor'
  throw new ShapeError(`${name}: got ${got || 'no tensor'}; expected ${expected}.`)
}

/** The cost of ops that compute nothing. */
export const movesOnly = (): number => 0

/** Shorthand for an f32 spec. */
export const f32 = (shape: Shape): TensorSpec => ({ shape, dtype: 'f32' })
/** Shorthand for an i32 spec. */
export const i32 = (shape: Shape): TensorSpec => ({ shape, dtype: 'i32' })
