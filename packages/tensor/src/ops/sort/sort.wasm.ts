/**
 * Sort on WASM. Every number gets a key, an unsigned integer whose order is the order wanted; keys and places
 * are sorted digit by digit (radix sort, least significant digit of 8 bits first; Knuth 1998, section 5.2.5),
 * which keeps the order of equals. Short rows are sorted by insertion. A row is sorted by one thread.
 */
import {
  f32x4,
  type FunctionBuilder,
  i32,
  i32x4,
  type Local,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { forRow, minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmKernel } from '../../backends/wasm/wasm-backend.ts'
import type { DType } from '../../dtype.ts'
import { sizeOf } from '../../shape.ts'

/** Rows up to this length are sorted by insertion. */
const shortRow = 32
/** Counts of the four digits of 8 bits. */
const countsBytes = 4 * 4 * 256

export const sortWasm: WasmKernel<'sort'> = (backend, [x], [values, indices], { descending }) => {
  const n = x.shape.at(-1) as number
  if (sizeOf(x.shape) === 0) return
  const rows = sizeOf(x.shape) / n
  const row = 4 * n
  const { sort } = sortFunctions(backend, x.dtype, descending)
  // Sorting takes about forty steps for a number.
  const stretches = backend.cut(rows, minNumbers / (8 * n))
  const bytes = countsBytes + 4 * row
  backend.scratch(bytes * stretches.length, 'sort', (room) => {
    const calls = stretches.map(({ first, many }, i) => {
      const pointers = [x, values, indices].map(({ buffer }) => buffer + first * row)
      return [...pointers, many, row, room + i * bytes]
    })
    backend.runAll(sort, calls)
  })
}

function sortFunctions(
  backend: WasmBackend,
  dtype: DType,
  descending: boolean,
): ReturnType<WasmBackend['functions']> {
  return backend.functions(`sort ${dtype}${descending ? ' descending' : ''}`, (module) => {
    // biome-ignore format: one line
    const parameters = {
      from: 'i32', values: 'i32', indices: 'i32', rows: 'i32', bytes: 'i32', room: 'i32',
    } as const
    module.export('sort', parameters, (b, p) => {
      const keys = b.let(i32.add(p.room, countsBytes))
      const [places, otherKeys, otherPlaces] = [1, 2, 3].map((i) => b.let(i32.add(keys, i32.mul(p.bytes, i))))
      b.repeat(p.rows, () => {
        writeKeys(b, p.from, keys, places, p.bytes, dtype, descending)
        b.if(
          i32.leU(p.bytes, 4 * shortRow),
          () => insertionSort(b, keys, places, p.bytes),
          () => radixSort(b, p.room, [keys, places], [otherKeys, otherPlaces], p.bytes),
        )
        b.copy(p.indices, places, p.bytes)
        b.forRange(0, p.bytes, 4, (at) => {
          const place = i32.load(i32.add(places, at))
          b.store(i32.add(p.values, at), i32.load(i32.add(p.from, i32.shl(place, 2))))
        })
        for (const pointer of [p.from, p.values, p.indices]) b.advance(pointer, p.bytes)
      })
    })
  })
}

type Pointer = Value<'i32'>
/** Addresses of the keys and of their places. */
type Pair = readonly [Pointer, Pointer]

/** Writes the keys of a row, and the places 0, 1, 2, … */
function writeKeys(
  b: FunctionBuilder,
  from: Pointer,
  keys: Pointer,
  places: Pointer,
  bytes: Pointer,
  dtype: DType,
  descending: boolean,
): void {
  forRow(b, bytes, (at, { load, store }) => {
    const number = b.let(load(i32.add(from, at)))
    const key = dtype === 'f32' ? keyOfFloat(b, number) : v128.xor(number, i32x4.splat(-(2 ** 31)))
    store(i32.add(keys, at), descending ? v128.not(key) : key)
    store(i32.add(places, at), i32x4.add(i32x4.const(0, 1, 2, 3), i32x4.splat(i32.shrU(at, 2))))
  })
}

/**
 * Bits of a float as an unsigned integer of the same order. −0 becomes 0, and every NaN the largest of all.
 */
function keyOfFloat(b: FunctionBuilder, number: Value<'v128'>): Value<'v128'> {
  const bits = b.let(f32x4.add(number, 0))
  const flipped = v128.xor(bits, v128.or(i32x4.shrS(bits, 31), i32x4.splat(-(2 ** 31))))
  return v128.or(flipped, f32x4.ne(bits, bits))
}

function insertionSort(b: FunctionBuilder, keys: Pointer, places: Pointer, bytes: Pointer): void {
  b.forRange(4, bytes, 4, (next) => {
    const key = b.let(i32.load(i32.add(keys, next)))
    const place = b.let(i32.load(i32.add(places, next)))
    const at = b.local('i32', next)
    const isAbove = b.local('i32', i32.gtU(i32.load(i32.add(keys, i32.sub(at, 4))), key))
    b.while(isAbove, () => {
      const before = b.let(i32.sub(at, 4))
      b.store(i32.add(keys, at), i32.load(i32.add(keys, before)))
      b.store(i32.add(places, at), i32.load(i32.add(places, before)))
      b.set(at, before)
      b.set(isAbove, 0)
      b.if(at, () => b.set(isAbove, i32.gtU(i32.load(i32.add(keys, i32.sub(at, 4))), key)))
    })
    b.store(i32.add(keys, at), key)
    b.store(i32.add(places, at), place)
  })
}

/**
 * Sorts by each of the four digits, from `own` to `other` and back, so that the result lies where it began.
 */
function radixSort(b: FunctionBuilder, counts: Pointer, own: Pair, other: Pair, bytes: Pointer): void {
  b.fill(counts, 0, countsBytes)
  b.forRange(0, bytes, 4, (at) => {
    const key = b.let(i32.load(i32.add(own[0], at)))
    for (let digit = 0; digit < 4; digit++) {
      const count = b.let(countOf(counts, key, digit))
      b.store(count, i32.add(i32.load(count), 1))
    }
  })
  for (let digit = 0; digit < 4; digit++) {
    const [from, to] = digit % 2 === 0 ? [own, other] : [other, own]
    // Counts become the place, in bytes, of the first number with that digit.
    const start = b.local('i32', 0)
    const count: Local<'i32'> = b.local('i32', i32.add(counts, 1024 * digit))
    b.repeat(256, () => {
      const many = b.let(i32.load(count))
      b.store(count, start)
      b.advance(start, i32.shl(many, 2))
      b.advance(count, 4)
    })
    b.forRange(0, bytes, 4, (at) => {
      const key = b.let(i32.load(i32.add(from[0], at)))
      const next = b.let(countOf(counts, key, digit))
      const target = b.let(i32.load(next))
      b.store(i32.add(to[0], target), key)
      b.store(i32.add(to[1], target), i32.load(i32.add(from[1], at)))
      b.store(next, i32.add(target, 4))
    })
  }
}

/** Returns the address of the count of a key's digit. */
function countOf(counts: Pointer, key: Pointer, digit: number): Pointer {
  const value = i32.and(i32.shrU(key, 8 * digit), 255)
  return i32.add(i32.add(counts, 1024 * digit), i32.shl(value, 2))
}
