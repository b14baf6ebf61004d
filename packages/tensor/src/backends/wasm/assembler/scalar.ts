/** The scalar instructions, named as in the WebAssembly specification (2.0, section 5.4) in camel case. */
import {
  type Binary,
  binary,
  constant,
  i32Operand,
  type Load,
  load,
  mapTable,
  type Operand,
  scalarOperand,
  type Unary,
  unary,
  type Value,
} from './value.ts'

type I32Comparison = 'eq' | 'ne' | 'ltS' | 'ltU' | 'gtS' | 'gtU' | 'leS' | 'leU' | 'geS' | 'geU'
type I32Arithmetic = 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'shl' | 'shrS' | 'shrU' | 'rotl' | 'rotr'
type Comparison = 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge'
type FloatArithmetic = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'copysign'
type FloatFunction = 'abs' | 'neg' | 'ceil' | 'floor' | 'trunc' | 'nearest' | 'sqrt'

/** Opcodes, and the same operations in JavaScript for folding constants; `| 0` is applied to the result. */
const folding: Record<I32Arithmetic | I32Comparison, readonly [number, (x: number, y: number) => number]> = {
  add: [0x6a, (x, y) => x + y],
  sub: [0x6b, (x, y) => x - y],
  mul: [0x6c, Math.imul],
  and: [0x71, (x, y) => x & y],
  or: [0x72, (x, y) => x | y],
  xor: [0x73, (x, y) => x ^ y],
  shl: [0x74, (x, y) => x << y],
  shrS: [0x75, (x, y) => x >> y],
  shrU: [0x76, (x, y) => x >>> y],
  rotl: [0x77, (x, y) => (x << y) | (x >>> ((32 - (y & 31)) % 32))],
  rotr: [0x78, (x, y) => (x >>> y) | (x << ((32 - (y & 31)) % 32))],
  eq: [0x46, (x, y) => Number(x === y)],
  ne: [0x47, (x, y) => Number(x !== y)],
  ltS: [0x48, (x, y) => Number(x < y)],
  ltU: [0x49, (x, y) => Number(x >>> 0 < y >>> 0)],
  gtS: [0x4a, (x, y) => Number(x > y)],
  gtU: [0x4b, (x, y) => Number(x >>> 0 > y >>> 0)],
  leS: [0x4c, (x, y) => Number(x <= y)],
  leU: [0x4d, (x, y) => Number(x >>> 0 <= y >>> 0)],
  geS: [0x4e, (x, y) => Number(x >= y)],
  geU: [0x4f, (x, y) => Number(x >>> 0 >= y >>> 0)],
}

const f32Operand = scalarOperand('f32')
const f64Operand = scalarOperand('f64')

/**
 * 32-bit integers: counts, byte addresses and truth values (0 is false). Suffix `S` is signed, `U` unsigned.
 */
export const i32: Binary<I32Arithmetic | I32Comparison, 'i32'> &
  Binary<'divS' | 'divU' | 'remS' | 'remU', 'i32'> &
  Unary<'eqz' | 'clz' | 'ctz' | 'popcnt', 'i32'> &
  Unary<'truncSatF32S' | 'truncSatF32U' | 'reinterpretF32', 'f32', 'i32'> &
  Load<'load' | 'load8S' | 'load8U' | 'load16S' | 'load16U', 'i32'> & {
    readonly const: (value: number) => Value<'i32'>
  } = {
  const: (value) => constant('i32', value),
  ...mapTable(folding, ([opcode, fold]) => (a: Operand<'i32'>, b: Operand<'i32'>): Value<'i32'> => {
    const [x, y] = [i32Operand(a), i32Operand(b)]
    if (x.constant === undefined || y.constant === undefined) {
      return { type: 'i32', code: [x.code, y.code, opcode] }
    }
    return constant('i32', fold(x.constant, y.constant) | 0)
  }),
  // Not folded: division by a constant zero must trap when it runs, not when it is built.
  ...binary({ divS: 0x6d, divU: 0x6e, remS: 0x6f, remU: 0x70 }, i32Operand, 'i32'),
  ...unary({ eqz: 0x45, clz: 0x67, ctz: 0x68, popcnt: 0x69 }, i32Operand, 'i32'),
  ...unary({ truncSatF32S: [0xfc, 0], truncSatF32U: [0xfc, 1], reinterpretF32: 0xbc }, f32Operand, 'i32'),
  ...load({ load: 0x28, load8S: 0x2c, load8U: 0x2d, load16S: 0x2e, load16U: 0x2f }, 'i32'),
}

/** Single precision. `min` and `max` return NaN if either side is NaN; `nearest` rounds ties to even. */
export const f32: Binary<FloatArithmetic, 'f32'> &
  Binary<Comparison, 'f32', 'i32'> &
  Unary<FloatFunction, 'f32'> &
  Unary<'convertI32S' | 'convertI32U' | 'reinterpretI32', 'i32', 'f32'> &
  Unary<'demoteF64', 'f64', 'f32'> &
  Load<'load', 'f32'> & { readonly const: (value: number) => Value<'f32'> } = {
  const: (value) => constant('f32', value),
  ...binary(
    { add: 0x92, sub: 0x93, mul: 0x94, div: 0x95, min: 0x96, max: 0x97, copysign: 0x98 },
    f32Operand,
    'f32',
  ),
  ...binary({ eq: 0x5b, ne: 0x5c, lt: 0x5d, gt: 0x5e, le: 0x5f, ge: 0x60 }, f32Operand, 'i32'),
  ...unary(
    { abs: 0x8b, neg: 0x8c, ceil: 0x8d, floor: 0x8e, trunc: 0x8f, nearest: 0x90, sqrt: 0x91 },
    f32Operand,
    'f32',
  ),
  ...unary({ convertI32S: 0xb2, convertI32U: 0xb3, reinterpretI32: 0xbe }, i32Operand, 'f32'),
  ...unary({ demoteF64: 0xb6 }, f64Operand, 'f32'),
  ...load({ load: 0x2a }, 'f32'),
}

/** Double precision, for sums that must not drift. */
export const f64: Binary<FloatArithmetic, 'f64'> &
  Binary<Comparison, 'f64', 'i32'> &
  Unary<FloatFunction, 'f64'> &
  Unary<'convertI32S' | 'convertI32U', 'i32', 'f64'> &
  Unary<'promoteF32', 'f32', 'f64'> &
  Load<'load', 'f64'> & { readonly const: (value: number) => Value<'f64'> } = {
  const: (value) => constant('f64', value),
  ...binary(
    { add: 0xa0, sub: 0xa1, mul: 0xa2, div: 0xa3, min: 0xa4, max: 0xa5, copysign: 0xa6 },
    f64Operand,
    'f64',
  ),
  ...binary({ eq: 0x61, ne: 0x62, lt: 0x63, gt: 0x64, le: 0x65, ge: 0x66 }, f64Operand, 'i32'),
  ...unary(
    { abs: 0x99, neg: 0x9a, ceil: 0x9b, floor: 0x9c, trunc: 0x9d, nearest: 0x9e, sqrt: 0x9f },
    f64Operand,
    'f64',
  ),
  ...unary({ convertI32S: 0xb7, convertI32U: 0xb8 }, i32Operand, 'f64'),
  ...unary({ promoteF32: 0xbb }, f32Operand, 'f64'),
  ...load({ load: 0x2b }, 'f64'),
}

/** `x` if `condition` is not 0, else `y`, without a branch: both are computed. */
export function select<T extends Value>(condition: Operand<'i32'>, x: T, y: T): Value<T['type']> {
  return { type: x.type, code: [x.code, y.code, i32Operand(condition).code, 0x1b] }
}
