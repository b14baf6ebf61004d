/** Typed expression trees, and the factories that turn tables of opcodes into namespaces of instructions. */
import { OptionError } from '../../../errors.ts'
import { type Code, littleEndian, signed, unsigned, type ValueType } from './code.ts'

/**
 * An expression that leaves one value of type `T`.
 *
 * A value is code, not a result: it is computed where it is consumed, and as often as it is consumed. Give it
 * a name with `FunctionBuilder.let` to compute it once.
 */
export interface Value<T extends ValueType = ValueType> {
  readonly type: T
  readonly code: Code
  /** The number of an `i32` constant, with which index arithmetic is folded at build time. */
  readonly constant?: number
}

/** A value, or a JavaScript number that becomes a constant (in a vector the same number in every lane). */
export type Operand<T extends ValueType> = Value<T> | number

/** Converts an operand of a namespace: numbers become constants of its own kind. */
export type Coercion<T extends ValueType> = (x: Operand<T>) => Value<T>

export type ScalarType = Exclude<ValueType, 'v128'>

export function constant<T extends ScalarType>(type: T, value: number): Value<T> {
  if (type === 'i32') return { type, code: [0x41, signed(value)], constant: value | 0 }
  return { type, code: [type === 'f32' ? 0x43 : 0x44, littleEndian(type, value)] }
}

export function scalarOperand<T extends ScalarType>(type: T): Coercion<T> {
  return (x) => (typeof x === 'number' ? constant(type, x) : x)
}

export const i32Operand: Coercion<'i32'> = scalarOperand('i32')

/** A namespace: every name is a function of one, two or three operands of type `In` that returns `Out`. */
export type Unary<Names extends string, In extends ValueType, Out extends ValueType = In> = {
  readonly [Name in Names]: (x: Operand<In>) => Value<Out>
}
export type Binary<Names extends string, In extends ValueType, Out extends ValueType = In> = {
  readonly [Name in Names]: (x: Operand<In>, y: Operand<In>) => Value<Out>
}
/**
 * Loads from byte address `pointer`; `offset` in bytes is an immediate of the instruction and costs nothing.
 */
export type Load<Names extends string, Out extends ValueType> = {
  readonly [Name in Names]: (pointer: Operand<'i32'>, offset?: number) => Value<Out>
}

export function unary<Names extends string, In extends ValueType, Out extends ValueType>(
  opcodes: Readonly<Record<Names, Code>>,
  operand: Coercion<In>,
  type: Out,
): Unary<Names, In, Out> {
  return mapTable(opcodes, (opcode) => (x) => ({ type, code: [operand(x).code, opcode] }))
}

export function binary<Names extends string, In extends ValueType, Out extends ValueType>(
  opcodes: Readonly<Record<Names, Code>>,
  operand: Coercion<In>,
  type: Out,
): Binary<Names, In, Out> {
  return mapTable(opcodes, (opcode) => (x, y) => ({ type, code: [operand(x).code, operand(y).code, opcode] }))
}

export function load<Names extends string, Out extends ValueType>(
  opcodes: Readonly<Record<Names, Code>>,
  type: Out,
): Load<Names, Out> {
  return mapTable(opcodes, (opcode) => (pointer, offset) => ({
    type,
    code: [i32Operand(pointer).code, opcode, memoryArgument(offset)],
  }))
}

/** Alignment is only a hint, which engines ignore, so every access claims none. */
export function memoryArgument(offset = 0): Code {
  return [0, unsigned(offset)]
}

/** Lane numbers are immediates: a wrong one would make the whole module invalid, far from the mistake. */
export function laneIndex(lane: number, lanes: number): number {
  if (Number.isInteger(lane) && lane >= 0 && lane < lanes) return lane
  throw new OptionError(`assembler: got lane ${lane}; expected an integer in [0, ${lanes}).`)
}

export function mapTable<Names extends string, A, B>(
  table: Readonly<Record<Names, A>>,
  f: (entry: A, name: Names) => B,
): Record<Names, B> {
  const entries = Object.entries(table) as [Names, A][]
  return Object.fromEntries(entries.map(([name, entry]) => [name, f(entry, name)])) as Record<Names, B>
}
