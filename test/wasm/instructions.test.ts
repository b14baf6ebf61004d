// Reaches inside: what is tested here is a part of its package, not an entry point.
// The assembler is an inner part of the backend, which no public entry point exports.
import { describe, expect, test } from 'vitest'
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i16x8,
  i8x16,
  i32,
  i32x4,
  ModuleBuilder,
  select,
  v128,
  type Value,
} from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import { requireFeatures } from '../../packages/tensor/src/backends/wasm/features.ts'
import { bytesOf, doubleLanes, floatLanes, integerLanes, newMemory, numberOf } from './run-wasm.ts'

/** Every instruction of a namespace with one run of it: a forgotten instruction does not compile. */
type Cases<Namespace, Result> = Record<keyof Namespace, readonly [value: Value, expected: Result]>

// Constants would be folded by the assembler; these reach the instruction.
const i = (n: number): Value<'i32'> => ({ type: 'i32', code: i32.const(n).code })
const memory = newMemory()
new Float32Array(memory.buffer, 64, 4).set([1.5, 2.5, -3.5, 4.5])
new Float64Array(memory.buffer, 128, 2).set([0.1, -0.2])
new Uint8Array(memory.buffer, 160, 4).set([0xfe, 0xff, 0x01, 0x80])

const halves = f32x4.const(-1.5, 0.5, 2.5, -0.5)
const mixed = f32x4.const(4, 9, -2, Number.NaN)
const whole = i32x4.const(-7, 3, 40, -1)
const other = i32x4.const(2, 3, -5, 1)
const pair = f64x2.replaceLane(f64x2.splat(0.1), 1, -4)
const asInt = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0]

const i32Cases: Cases<typeof i32, number> = {
  const: [i32.const(-5), -5],
  add: [i32.add(i(2 ** 31 - 1), 1), -(2 ** 31)],
  sub: [i32.sub(i(3), 5), -2],
  mul: [i32.mul(i(65537), 65537), 131073],
  divS: [i32.divS(-7, 2), -3],
  divU: [i32.divU(-2, 2), 2 ** 31 - 1],
  remS: [i32.remS(-7, 4), -3],
  remU: [i32.remU(-1, 10), 5],
  and: [i32.and(i(12), 10), 8],
  or: [i32.or(i(12), 10), 14],
  xor: [i32.xor(i(12), 10), 6],
  shl: [i32.shl(i(3), 33), 6],
  shrS: [i32.shrS(i(-8), 1), -4],
  shrU: [i32.shrU(i(-8), 28), 15],
  rotl: [i32.rotl(i(-(2 ** 31)), 1), 1],
  rotr: [i32.rotr(i(1), 1), -(2 ** 31)],
  eq: [i32.eq(i(4), 4), 1],
  ne: [i32.ne(i(4), 4), 0],
  ltS: [i32.ltS(i(-1), 1), 1],
  ltU: [i32.ltU(i(-1), 1), 0],
  gtS: [i32.gtS(i(-1), 1), 0],
  gtU: [i32.gtU(i(-1), 1), 1],
  leS: [i32.leS(i(-1), 1), 1],
  leU: [i32.leU(i(-1), 1), 0],
  geS: [i32.geS(i(-1), 1), 0],
  geU: [i32.geU(i(-1), 1), 1],
  eqz: [i32.eqz(0), 1],
  clz: [i32.clz(1), 31],
  ctz: [i32.ctz(8), 3],
  popcnt: [i32.popcnt(255), 8],
  truncSatF32S: [i32.truncSatF32S(-1e20), -(2 ** 31)],
  truncSatF32U: [i32.truncSatF32U(-1.5), 0],
  reinterpretF32: [i32.reinterpretF32(1), 0x3f800000],
  load: [i32.load(64, 4), asInt(2.5)],
  load8S: [i32.load8S(160), -2],
  load8U: [i32.load8U(160), 254],
  load16S: [i32.load16S(160), -2],
  load16U: [i32.load16U(160), 65534],
}

const f32Cases: Cases<typeof f32, number> = {
  const: [f32.const(0.1), Math.fround(0.1)],
  add: [f32.add(1, 2 ** -24), 1],
  sub: [f32.sub(1, 0.25), 0.75],
  mul: [f32.mul(1.5, -2), -3],
  div: [f32.div(1, 0), Infinity],
  min: [f32.min(1, Number.NaN), Number.NaN],
  max: [f32.max(-1, 2), 2],
  copysign: [f32.copysign(3, -0), -3],
  eq: [f32.eq(1, 1), 1],
  ne: [f32.ne(Number.NaN, Number.NaN), 1],
  lt: [f32.lt(1, 2), 1],
  gt: [f32.gt(1, 2), 0],
  le: [f32.le(2, 2), 1],
  ge: [f32.ge(1, 2), 0],
  abs: [f32.abs(-2), 2],
  neg: [f32.neg(2), -2],
  ceil: [f32.ceil(1.2), 2],
  floor: [f32.floor(-1.2), -2],
  trunc: [f32.trunc(-1.7), -1],
  nearest: [f32.nearest(2.5), 2],
  sqrt: [f32.sqrt(9), 3],
  convertI32S: [f32.convertI32S(-1), -1],
  convertI32U: [f32.convertI32U(-1), 2 ** 32],
  reinterpretI32: [f32.reinterpretI32(0x3f800000), 1],
  demoteF64: [f32.demoteF64(0.1), Math.fround(0.1)],
  load: [f32.load(64, 12), 4.5],
}

const f64Cases: Cases<typeof f64, number> = {
  const: [f64.const(0.1), 0.1],
  add: [f64.add(0.1, 0.2), 0.1 + 0.2],
  sub: [f64.sub(1, 0.1), 0.9],
  mul: [f64.mul(0.1, 3), 0.1 * 3],
  div: [f64.div(1, 3), 1 / 3],
  min: [f64.min(1, -2), -2],
  max: [f64.max(1, Number.NaN), Number.NaN],
  copysign: [f64.copysign(-3, 1), 3],
  eq: [f64.eq(1, 2), 0],
  ne: [f64.ne(1, 2), 1],
  lt: [f64.lt(1, 2), 1],
  gt: [f64.gt(1, 2), 0],
  le: [f64.le(3, 2), 0],
  ge: [f64.ge(2, 2), 1],
  abs: [f64.abs(-0.1), 0.1],
  neg: [f64.neg(0.1), -0.1],
  ceil: [f64.ceil(-1.2), -1],
  floor: [f64.floor(1.8), 1],
  trunc: [f64.trunc(1.8), 1],
  nearest: [f64.nearest(3.5), 4],
  sqrt: [f64.sqrt(2), Math.SQRT2],
  convertI32S: [f64.convertI32S(-1), -1],
  convertI32U: [f64.convertI32U(-1), 2 ** 32 - 1],
  promoteF32: [f64.promoteF32(0.1), Math.fround(0.1)],
  load: [f64.load(128, 8), -0.2],
}

const yes = -1
const f32x4Cases: Cases<typeof f32x4, number | readonly number[]> = {
  const: [f32x4.const(1, 2, 3, 4), [1, 2, 3, 4]],
  splat: [f32x4.splat(f32.load(64)), [1.5, 1.5, 1.5, 1.5]],
  extractLane: [f32x4.extractLane(halves, 2), 2.5],
  replaceLane: [f32x4.replaceLane(halves, 1, 7), [-1.5, 7, 2.5, -0.5]],
  add: [f32x4.add(halves, 1), [-0.5, 1.5, 3.5, 0.5]],
  sub: [f32x4.sub(1, halves), [2.5, 0.5, -1.5, 1.5]],
  mul: [f32x4.mul(halves, mixed), [-6, 4.5, -5, Number.NaN]],
  div: [f32x4.div(halves, 0.5), [-3, 1, 5, -1]],
  min: [f32x4.min(halves, mixed), [-1.5, 0.5, -2, Number.NaN]],
  max: [f32x4.max(halves, mixed), [4, 9, 2.5, Number.NaN]],
  pmin: [f32x4.pmin(halves, mixed), [-1.5, 0.5, -2, -0.5]],
  pmax: [f32x4.pmax(mixed, halves), [4, 9, 2.5, Number.NaN]],
  eq: [f32x4.eq(mixed, mixed), [yes, yes, yes, 0]],
  ne: [f32x4.ne(mixed, 9), [yes, 0, yes, yes]],
  lt: [f32x4.lt(mixed, 4), [0, 0, yes, 0]],
  gt: [f32x4.gt(mixed, 4), [0, yes, 0, 0]],
  le: [f32x4.le(mixed, 4), [yes, 0, yes, 0]],
  ge: [f32x4.ge(mixed, 4), [yes, yes, 0, 0]],
  abs: [f32x4.abs(halves), [1.5, 0.5, 2.5, 0.5]],
  neg: [f32x4.neg(halves), [1.5, -0.5, -2.5, 0.5]],
  sqrt: [f32x4.sqrt(mixed), [2, 3, Number.NaN, Number.NaN]],
  ceil: [f32x4.ceil(halves), [-1, 1, 3, -0]],
  floor: [f32x4.floor(halves), [-2, 0, 2, -1]],
  trunc: [f32x4.trunc(halves), [-1, 0, 2, -0]],
  nearest: [f32x4.nearest(halves), [-2, 0, 2, -0]],
  convertI32x4S: [f32x4.convertI32x4S(whole), [-7, 3, 40, -1]],
  convertI32x4U: [f32x4.convertI32x4U(whole), [2 ** 32, 3, 40, 2 ** 32]],
  demoteF64x2Zero: [f32x4.demoteF64x2Zero(pair), [Math.fround(0.1), -4, 0, 0]],
  relaxedMadd: [f32x4.relaxedMadd(halves, 2, 1), [-2, 2, 6, 0]],
  relaxedNmadd: [f32x4.relaxedNmadd(halves, 2, 1), [4, 0, -4, 2]],
}

const i32x4Cases: Cases<typeof i32x4, number | readonly number[]> = {
  const: [i32x4.const(1, -2, 3, -4), [1, -2, 3, -4]],
  splat: [i32x4.splat(i(-9)), [-9, -9, -9, -9]],
  extractLane: [i32x4.extractLane(whole, 2), 40],
  replaceLane: [i32x4.replaceLane(whole, 3, 8), [-7, 3, 40, 8]],
  add: [i32x4.add(whole, other), [-5, 6, 35, 0]],
  sub: [i32x4.sub(whole, other), [-9, 0, 45, -2]],
  mul: [i32x4.mul(whole, other), [-14, 9, -200, -1]],
  minS: [i32x4.minS(whole, other), [-7, 3, -5, -1]],
  minU: [i32x4.minU(whole, other), [2, 3, 40, 1]],
  maxS: [i32x4.maxS(whole, other), [2, 3, 40, 1]],
  maxU: [i32x4.maxU(whole, other), [-7, 3, -5, -1]],
  eq: [i32x4.eq(whole, other), [0, yes, 0, 0]],
  ne: [i32x4.ne(whole, other), [yes, 0, yes, yes]],
  ltS: [i32x4.ltS(whole, other), [yes, 0, 0, yes]],
  ltU: [i32x4.ltU(whole, other), [0, 0, yes, 0]],
  gtS: [i32x4.gtS(whole, other), [0, 0, yes, 0]],
  gtU: [i32x4.gtU(whole, other), [yes, 0, 0, yes]],
  leS: [i32x4.leS(whole, other), [yes, yes, 0, yes]],
  leU: [i32x4.leU(whole, other), [0, yes, yes, 0]],
  geS: [i32x4.geS(whole, other), [0, yes, yes, 0]],
  geU: [i32x4.geU(whole, other), [yes, yes, 0, yes]],
  abs: [i32x4.abs(whole), [7, 3, 40, 1]],
  neg: [i32x4.neg(whole), [7, -3, -40, 1]],
  truncSatF32x4S: [i32x4.truncSatF32x4S(mixed), [4, 9, -2, 0]],
  truncSatF32x4U: [i32x4.truncSatF32x4U(mixed), [4, 9, 0, 0]],
  allTrue: [i32x4.allTrue(whole), 1],
  bitmask: [i32x4.bitmask(whole), 0b1001],
  shl: [i32x4.shl(whole, 2), [-28, 12, 160, -4]],
  shrS: [i32x4.shrS(whole, i(1)), [-4, 1, 20, -1]],
  shrU: [i32x4.shrU(whole, 31), [1, 0, 0, 1]],
  shuffle: [i32x4.shuffle(whole, other, [3, 0, 6, 4]), [-1, -7, -5, 2]],
  dotI16x8S: [
    i32x4.dotI16x8S(i32x4.const(0x0002ffff, 3, 0, 0), i32x4.const(0x00050004, 7, 0, 0)),
    [6, 21, 0, 0],
  ],
  extendLowI16x8S: [i32x4.extendLowI16x8S(i32x4.const(0x0001ffff, 5, 9, 9)), [-1, 1, 5, 0]],
  extendHighI16x8S: [i32x4.extendHighI16x8S(i32x4.const(9, 9, 0x0001ffff, 5)), [-1, 1, 5, 0]],
  extendLowI16x8U: [i32x4.extendLowI16x8U(i32x4.const(0x0001ffff, 5, 9, 9)), [65535, 1, 5, 0]],
  extendHighI16x8U: [i32x4.extendHighI16x8U(i32x4.const(9, 9, 0x0001ffff, 5)), [65535, 1, 5, 0]],
  relaxedDotI8x16I7x16AddS: [
    i32x4.relaxedDotI8x16I7x16AddS(i32x4.const(0x80808080, 0x01020304, 0xff, 0), i8x16.splat(127), whole),
    [-7 - 4 * 128 * 127, 3 + 10 * 127, 40 - 127, -1],
  ],
}

const i16x8Cases: Cases<typeof i16x8, number | readonly number[]> = {
  extendLowI8x16S: [
    i16x8.extendLowI8x16S(i32x4.const(0x7f01ff02, 0, 9, 9)),
    [0xffff0002 | 0, 0x007f0001, 0, 0],
  ],
  extendHighI8x16S: [
    i16x8.extendHighI8x16S(i32x4.const(9, 9, 0x7f01ff02, 0)),
    [0xffff0002 | 0, 0x007f0001, 0, 0],
  ],
  extendLowI8x16U: [i16x8.extendLowI8x16U(i32x4.const(0x7f01ff02, 0, 9, 9)), [0x00ff0002, 0x007f0001, 0, 0]],
  extendHighI8x16U: [
    i16x8.extendHighI8x16U(i32x4.const(9, 9, 0x7f01ff02, 0)),
    [0x00ff0002, 0x007f0001, 0, 0],
  ],
  shl: [i16x8.shl(i32x4.const(0x00018001, 0, 0, 0), 1), [0x00020002, 0, 0, 0]],
  shrS: [i16x8.shrS(i32x4.const(0x80000100, 0, 0, 0), 8), [0xff800001 | 0, 0, 0, 0]],
  shrU: [i16x8.shrU(i32x4.const(0x80000100, 0, 0, 0), i(8)), [0x00800001, 0, 0, 0]],
}

const i8x16Cases: Cases<typeof i8x16, number | readonly number[]> = {
  add: [
    i8x16.add(i32x4.const(0x01ff01ff, 0, 0, 0), i8x16.splat(1)),
    [0x02000200, 0x01010101, 0x01010101, 0x01010101],
  ],
  sub: [i8x16.sub(i32x4.const(0x01000100, 0, 0, 0), i8x16.splat(1)), [0x00ff00ff, -1, -1, -1]],
  ltS: [i8x16.ltS(i32x4.const(0x7f01ff80 | 0, 0, 0, 0), 0), [0x0000ffff, 0, 0, 0]],
  abs: [i8x16.abs(i32x4.const(0x7f01ff81 | 0, 0, 0, 0)), [0x7f01017f, 0, 0, 0]],
  splat: [i8x16.splat(-2), [-0x01010102, -0x01010102, -0x01010102, -0x01010102]],
  shuffle: [
    i8x16.shuffle(
      whole,
      whole,
      Array.from({ length: 16 }, (_, k) => k),
    ),
    [-7, 3, 40, -1],
  ],
}

const v128Cases: Cases<typeof v128, number | readonly number[]> = {
  and: [v128.and(whole, 3), [1, 3, 0, 3]],
  andnot: [v128.andnot(whole, 3), [-8, 0, 40, -4]],
  or: [v128.or(whole, other), [-5, 3, -5, -1]],
  xor: [v128.xor(whole, -1), [6, -4, -41, 0]],
  not: [v128.not(whole), [6, -4, -41, 0]],
  bitselect: [v128.bitselect(whole, other, i32x4.const(-1, 0, 1, 0)), [-7, 3, -6, 1]],
  anyTrue: [v128.anyTrue(i32x4.const(0, 0, 0, 1)), 1],
  load: [v128.load(64), [1.5, 2.5, -3.5, 4.5].map(asInt)],
  load32Splat: [v128.load32Splat(64, 4), [2.5, 2.5, 2.5, 2.5].map(asInt)],
  load64Splat: [v128.load64Splat(64), [1.5, 2.5, 1.5, 2.5].map(asInt)],
  load32Zero: [v128.load32Zero(64), [asInt(1.5), 0, 0, 0]],
  load64Zero: [v128.load64Zero(64), [asInt(1.5), asInt(2.5), 0, 0]],
  load32Lane: [v128.load32Lane(64, whole, 2, 4), [-7, 3, asInt(2.5), -1]],
}

const f64x2Cases: Cases<typeof f64x2, number | readonly number[]> = {
  splat: [f64x2.splat(f64.load(128)), [0.1, 0.1]],
  extractLane: [f64x2.extractLane(pair, 1), -4],
  replaceLane: [f64x2.replaceLane(pair, 0, 3), [3, -4]],
  add: [f64x2.add(pair, 0.2), [0.1 + 0.2, -3.8]],
  sub: [f64x2.sub(pair, 1), [-0.9, -5]],
  mul: [f64x2.mul(pair, 3), [0.1 * 3, -12]],
  div: [f64x2.div(pair, 3), [0.1 / 3, -4 / 3]],
  abs: [f64x2.abs(pair), [0.1, 4]],
  sqrt: [f64x2.sqrt(pair), [Math.sqrt(0.1), Number.NaN]],
  promoteLowF32x4: [f64x2.promoteLowF32x4(f32x4.splat(0.1)), [Math.fround(0.1), Math.fround(0.1)]],
}

type AnyCases = Record<string, readonly [value: Value, expected: number | readonly number[]]>

/** Comparisons return masks, which are integers, and everything else its own kind. */
function run([value, expected]: AnyCases[string], lanes: typeof floatLanes): number | number[] {
  if (value.type !== 'v128') return numberOf(value as Value<'i32'>, memory)
  const isMask = Array.isArray(expected) && expected.every((x) => x === yes || Object.is(x, 0))
  return isMask ? integerLanes(value as Value<'v128'>, memory) : lanes(value as Value<'v128'>, memory)
}

const { relaxedSimd } = requireFeatures().features

describe.each<[string, AnyCases, typeof floatLanes]>([
  ['i32', i32Cases, integerLanes],
  ['f32', f32Cases, floatLanes],
  ['f64', f64Cases, doubleLanes],
  ['f32x4', f32x4Cases, floatLanes],
  ['i32x4', i32x4Cases, integerLanes],
  ['i16x8', i16x8Cases, integerLanes],
  ['i8x16', i8x16Cases, integerLanes],
  ['v128', v128Cases, integerLanes],
  ['f64x2', f64x2Cases, doubleLanes],
])('%s', (_, cases, lanes) => {
  test.each(Object.entries(cases))('%s', (name, one) => {
    if (name.startsWith('relaxed') && !relaxedSimd) return expect(() => run(one, lanes)).toThrow(/compil/i)
    expect(run(one, lanes)).toEqual(one[1])
  })
})

describe('other instructions', () => {
  test('i8x16.shuffle picks bytes of both vectors', () => {
    const reversed = Array.from({ length: 16 }, (_, k) => 31 - k)
    const one = i32x4.const(0, 0, 0, 0)
    const two = i32x4.const(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c)
    const bytes = new Uint8Array(bytesOf(i8x16.shuffle(one, two, reversed)))
    expect([...bytes]).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  })

  test('select takes scalars and vectors', () => {
    expect(numberOf(select(i(1), f32.const(2), f32.const(3)))).toBe(2)
    expect(numberOf(select(0, i(2), i(3)))).toBe(3)
    expect(integerLanes(select(i(0), whole, other))).toEqual([2, 3, -5, 1])
  })

  test('store writes with the instruction of the value’s type', () => {
    const own = newMemory()
    const module = new ModuleBuilder()
    module.export('run', { p: 'i32' }, (b, { p }) => {
      b.store(p, i32.const(-7))
      b.store(p, f32.const(1.5), 4)
      b.store(p, f64.const(0.1), 8)
      b.store(p, whole, 16)
      b.storeLane(p, whole, 2, 32)
    })
    module.instantiate(own).run(256)
    expect(new Int32Array(own.buffer, 256, 1)[0]).toBe(-7)
    expect(new Float32Array(own.buffer, 260, 1)[0]).toBe(1.5)
    expect(new Float64Array(own.buffer, 264, 1)[0]).toBe(0.1)
    expect([...new Int32Array(own.buffer, 272, 6)]).toEqual([-7, 3, 40, -1, 40, 0])
  })

  test('copy moves overlapping bytes and fill sets them', () => {
    const own = newMemory()
    new Uint8Array(own.buffer).set([1, 2, 3, 4, 5])
    const module = new ModuleBuilder()
    module.export('run', {}, (b) => {
      b.copy(1, 0, 4)
      b.fill(6, 9, 2)
    })
    module.instantiate(own).run()
    expect([...new Uint8Array(own.buffer, 0, 9)]).toEqual([1, 1, 2, 3, 4, 0, 9, 9, 0])
  })

  test('a lane that does not exist is refused with the lanes that do', () => {
    expect(() => f32x4.extractLane(whole, 4)).toThrow(/got lane 4; expected an integer in \[0, 4\)/)
    expect(() => i32x4.shuffle(whole, other, [0, 1, 2, 8])).toThrow(/got lane 8/)
    expect(() => i8x16.shuffle(whole, other, [0, 1])).toThrow(/got 2 byte numbers; expected 16/)
  })
})
