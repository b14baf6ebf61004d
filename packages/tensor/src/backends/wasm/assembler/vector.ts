/**
 * The 128-bit instructions, named as in the WebAssembly specification (2.0 and the relaxed SIMD proposal).
 */
import { OptionError } from '../../../errors.ts'
import { type Code, littleEndian, unsigned } from './code.ts'
import { constantAddress } from './constant-pool.ts'
import {
  type Binary,
  binary,
  type Coercion,
  i32Operand,
  type Load,
  laneIndex,
  load,
  mapTable,
  memoryArgument,
  type Operand,
  type ScalarType,
  scalarOperand,
  type Unary,
  unary,
  type Value,
} from './value.ts'

type Vector = Value<'v128'>
type Lanes = Operand<'v128'>

/** Encodes an instruction with the SIMD prefix. */
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]

const simdTable = <Names extends string>(opcodes: Readonly<Record<Names, number>>): Record<Names, Code> =>
  mapTable(opcodes, simd)

const vector = (...code: Code[]): Vector => ({ type: 'v128', code })

/** Converts an operand: a number stands for itself in every lane of the namespace's shape. */
function lanesOperand(type: ScalarType, lanes: number): Coercion<'v128'> {
  return (x) => (typeof x === 'number' ? everyLane(type, lanes, x) : x)
}
/** Zero is made by one instruction; everything else is loaded. */
function everyLane(type: ScalarType, lanes: number, x: number): Vector {
  const values = new Array<number>(lanes).fill(x)
  const at = Object.is(x, 0) ? undefined : constantAddress(littleEndian(type, ...values))
  if (at === undefined) return vectorConstant(type, values)
  return vector(i32Operand(0).code, simd(0x00), memoryArgument(at))
}
const vectorConstant = (type: ScalarType, values: readonly number[]): Vector =>
  vector(simd(0x0c), littleEndian(type, ...values))

const f32x4Operand = lanesOperand('f32', 4)
const f64x2Operand = lanesOperand('f64', 2)
const i32x4Operand = lanesOperand('i32', 4)

/**
 * The instructions of each shape of lanes: `splat` fills every lane with one value, the others read or
 * replace one.
 */
interface LaneAccess<T extends ScalarType> {
  readonly splat: (x: Operand<T>) => Vector
  readonly extractLane: (x: Lanes, lane: number) => Value<T>
  readonly replaceLane: (x: Lanes, lane: number, value: Operand<T>) => Vector
}

function laneAccess<T extends ScalarType>(
  type: T,
  lanes: number,
  opcodes: { splat: number; extractLane: number; replaceLane: number },
): LaneAccess<T> {
  const scalar = scalarOperand(type)
  const operand = lanesOperand(type, lanes)
  return {
    splat: (x) => (typeof x === 'number' ? operand(x) : vector(x.code, simd(opcodes.splat))),
    extractLane: (x, lane) => ({
      type,
      code: [operand(x).code, simd(opcodes.extractLane), laneIndex(lane, lanes)],
    }),
    replaceLane: (x, lane, value) =>
      vector(operand(x).code, scalar(value).code, simd(opcodes.replaceLane), laneIndex(lane, lanes)),
  }
}

type Comparison = 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge'
type FloatArithmetic = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pmin' | 'pmax'
type FloatFunction = 'abs' | 'neg' | 'sqrt' | 'ceil' | 'floor' | 'trunc' | 'nearest'

/**
 * Whole vectors: memory, bits and choice.
 *
 * `bitselect(x, y, mask)` takes bits of `x` where the mask has 1 and of `y` elsewhere; `andnot(x, y)` is `x &
 * ~y`. The `Zero` loads fill one lane and clear the rest; `load32Lane` fills one lane and keeps the rest of
 * `x`.
 */
export const v128: Binary<'and' | 'andnot' | 'or' | 'xor', 'v128'> &
  Unary<'not', 'v128'> &
  Unary<'anyTrue', 'v128', 'i32'> &
  Load<'load' | 'load32Splat' | 'load64Splat' | 'load32Zero' | 'load64Zero', 'v128'> & {
    readonly bitselect: (x: Lanes, y: Lanes, mask: Lanes) => Vector
    readonly load32Lane: (pointer: Operand<'i32'>, x: Vector, lane: number, offset?: number) => Vector
  } = {
  ...binary(simdTable({ and: 0x4e, andnot: 0x4f, or: 0x50, xor: 0x51 }), i32x4Operand, 'v128'),
  ...unary(simdTable({ not: 0x4d }), i32x4Operand, 'v128'),
  ...unary(simdTable({ anyTrue: 0x53 }), i32x4Operand, 'i32'),
  ...load(
    simdTable({ load: 0x00, load32Splat: 0x09, load64Splat: 0x0a, load32Zero: 0x5c, load64Zero: 0x5d }),
    'v128',
  ),
  bitselect: (x, y, mask) =>
    vector(i32x4Operand(x).code, i32x4Operand(y).code, i32x4Operand(mask).code, simd(0x52)),
  load32Lane: (pointer, x, lane, offset) =>
    vector(i32Operand(pointer).code, x.code, simd(0x56), memoryArgument(offset), laneIndex(lane, 4)),
}

const fusedMultiplyAdd = (opcode: number): ((x: Lanes, y: Lanes, z: Lanes) => Vector) => {
  return (x, y, z) => vector(f32x4Operand(x).code, f32x4Operand(y).code, f32x4Operand(z).code, simd(opcode))
}

/**
 * Four single-precision lanes. Comparisons return all ones or all zeros in each lane.
 *
 * `min` and `max` return NaN if either side is NaN, at a price; `pmin(x, y)` is `y < x ? y : x` and `pmax(x,
 * y)` is `x < y ? y : x`, one instruction each, and so return `x` if either side is NaN. `relaxedMadd(x, y,
 * z)` is `x · y + z` and `relaxedNmadd` is `−(x · y) + z`, with one rounding or two as the machine likes:
 * they need `features.relaxedSimd` and differ between machines.
 */
export const f32x4: Binary<FloatArithmetic | Comparison, 'v128'> &
  Unary<FloatFunction | 'convertI32x4S' | 'convertI32x4U' | 'demoteF64x2Zero', 'v128'> &
  LaneAccess<'f32'> & {
    readonly const: (a: number, b: number, c: number, d: number) => Vector
    readonly relaxedMadd: (x: Lanes, y: Lanes, z: Lanes) => Vector
    readonly relaxedNmadd: (x: Lanes, y: Lanes, z: Lanes) => Vector
  } = {
  const: (...values) => vectorConstant('f32', values),
  ...laneAccess('f32', 4, { splat: 0x13, extractLane: 0x1f, replaceLane: 0x20 }),
  ...binary(simdTable({ add: 0xe4, sub: 0xe5, mul: 0xe6, div: 0xe7 }), f32x4Operand, 'v128'),
  ...binary(simdTable({ min: 0xe8, max: 0xe9, pmin: 0xea, pmax: 0xeb }), f32x4Operand, 'v128'),
  ...binary(simdTable({ eq: 0x41, ne: 0x42, lt: 0x43, gt: 0x44, le: 0x45, ge: 0x46 }), f32x4Operand, 'v128'),
  ...unary(
    simdTable({ abs: 0xe0, neg: 0xe1, sqrt: 0xe3, ceil: 0x67, floor: 0x68, trunc: 0x69, nearest: 0x6a }),
    f32x4Operand,
    'v128',
  ),
  ...unary(simdTable({ convertI32x4S: 0xfa, convertI32x4U: 0xfb }), i32x4Operand, 'v128'),
  ...unary(simdTable({ demoteF64x2Zero: 0x5e }), f64x2Operand, 'v128'),
  relaxedMadd: fusedMultiplyAdd(0x105),
  relaxedNmadd: fusedMultiplyAdd(0x106),
}

type I32x4Comparison = 'eq' | 'ne' | 'ltS' | 'ltU' | 'gtS' | 'gtU' | 'leS' | 'leU' | 'geS' | 'geU'

/**
 * Four 32-bit integer lanes. Shift counts are taken modulo 32. `shuffle` picks from the 8 lanes of `x` then
 * `y`. `relaxedDotI8x16I7x16AddS(x, y, sums)` adds up products of bytes by fours; it needs
 * `features.relaxedDot`, and is the same on every machine only if every byte of `y` is in [0, 127].
 */
export const i32x4: Binary<
  'add' | 'sub' | 'mul' | 'minS' | 'minU' | 'maxS' | 'maxU' | I32x4Comparison,
  'v128'
> &
  Binary<'dotI16x8S', 'v128'> &
  Unary<'abs' | 'neg' | 'truncSatF32x4S' | 'truncSatF32x4U', 'v128'> &
  Unary<`extend${'Low' | 'High'}I16x8${'S' | 'U'}`, 'v128'> &
  Unary<'allTrue' | 'bitmask', 'v128', 'i32'> &
  LaneAccess<'i32'> & {
    readonly [Shift in 'shl' | 'shrS' | 'shrU']: (x: Lanes, count: Operand<'i32'>) => Vector
  } & {
    readonly const: (a: number, b: number, c: number, d: number) => Vector
    readonly shuffle: (x: Vector, y: Vector, lanes: readonly [number, number, number, number]) => Vector
    readonly relaxedDotI8x16I7x16AddS: (x: Vector, y: Vector, sums: Vector) => Vector
  } = {
  const: (...values) => vectorConstant('i32', values),
  ...laneAccess('i32', 4, { splat: 0x11, extractLane: 0x1b, replaceLane: 0x1c }),
  ...binary(simdTable({ add: 0xae, sub: 0xb1, mul: 0xb5 }), i32x4Operand, 'v128'),
  ...binary(simdTable({ minS: 0xb6, minU: 0xb7, maxS: 0xb8, maxU: 0xb9 }), i32x4Operand, 'v128'),
  ...binary(simdTable({ eq: 0x37, ne: 0x38, ltS: 0x39, ltU: 0x3a, gtS: 0x3b }), i32x4Operand, 'v128'),
  ...binary(simdTable({ gtU: 0x3c, leS: 0x3d, leU: 0x3e, geS: 0x3f, geU: 0x40 }), i32x4Operand, 'v128'),
  ...unary(simdTable({ abs: 0xa0, neg: 0xa1 }), i32x4Operand, 'v128'),
  ...unary(simdTable({ truncSatF32x4S: 0xf8, truncSatF32x4U: 0xf9 }), f32x4Operand, 'v128'),
  ...binary(simdTable({ dotI16x8S: 0xba }), i32x4Operand, 'v128'),
  ...unary(
    simdTable({
      extendLowI16x8S: 0xa7,
      extendHighI16x8S: 0xa8,
      extendLowI16x8U: 0xa9,
      extendHighI16x8U: 0xaa,
    }),
    i32x4Operand,
    'v128',
  ),
  ...unary(simdTable({ allTrue: 0xa3, bitmask: 0xa4 }), i32x4Operand, 'i32'),
  ...mapTable(
    { shl: 0xab, shrS: 0xac, shrU: 0xad },
    (opcode) =>
      (x: Lanes, count: Operand<'i32'>): Vector =>
        vector(i32x4Operand(x).code, i32Operand(count).code, simd(opcode)),
  ),
  shuffle: (x, y, lanes) => {
    const bytes = lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => laneIndex(lane, 8) * 4 + byte))
    return i8x16.shuffle(x, y, bytes)
  },
  relaxedDotI8x16I7x16AddS: (x, y, sums) => vector(x.code, y.code, sums.code, simd(0x113)),
}

/** Eight 16-bit integer lanes. Shift counts are taken modulo 16. */
export const i16x8: Unary<`extend${'Low' | 'High'}I8x16${'S' | 'U'}`, 'v128'> & {
  readonly [Shift in 'shl' | 'shrS' | 'shrU']: (x: Lanes, count: Operand<'i32'>) => Vector
} = {
  ...unary(
    simdTable({
      extendLowI8x16S: 0x87,
      extendHighI8x16S: 0x88,
      extendLowI8x16U: 0x89,
      extendHighI8x16U: 0x8a,
    }),
    i32x4Operand,
    'v128',
  ),
  ...mapTable(
    { shl: 0x8b, shrS: 0x8c, shrU: 0x8d },
    (opcode) =>
      (x: Lanes, count: Operand<'i32'>): Vector =>
        vector(i32x4Operand(x).code, i32Operand(count).code, simd(opcode)),
  ),
}

/** Sixteen bytes: `shuffle` picks 16 of the 32 bytes of `x` then `y`. */
export const i8x16: Binary<'add' | 'sub' | 'ltS', 'v128'> &
  Unary<'abs', 'v128'> & {
    readonly splat: (x: number) => Vector
    readonly shuffle: (x: Vector, y: Vector, bytes: readonly number[]) => Vector
  } = {
  ...binary(simdTable({ add: 0x6e, sub: 0x71, ltS: 0x25 }), i32x4Operand, 'v128'),
  ...unary(simdTable({ abs: 0x60 }), i32x4Operand, 'v128'),
  splat: (x) => i32x4Operand(Math.imul(x & 255, 0x01010101)),
  shuffle: (x, y, bytes) => {
    if (bytes.length !== 16) {
      throw new OptionError(`i8x16.shuffle: got ${bytes.length} byte numbers; expected 16.`)
    }
    return vector(
      x.code,
      y.code,
      simd(0x0d),
      bytes.map((byte) => laneIndex(byte, 32)),
    )
  },
}

/** Two double-precision lanes. `promoteLowF32x4` widens lanes 0 and 1 of four singles. */
export const f64x2: Binary<'add' | 'sub' | 'mul' | 'div', 'v128'> &
  Unary<'abs' | 'sqrt' | 'promoteLowF32x4', 'v128'> &
  LaneAccess<'f64'> = {
  ...laneAccess('f64', 2, { splat: 0x14, extractLane: 0x21, replaceLane: 0x22 }),
  ...binary(simdTable({ add: 0xf0, sub: 0xf1, mul: 0xf2, div: 0xf3 }), f64x2Operand, 'v128'),
  ...unary(simdTable({ abs: 0xec, sqrt: 0xef }), f64x2Operand, 'v128'),
  ...unary(simdTable({ promoteLowF32x4: 0x5f }), f32x4Operand, 'v128'),
}
