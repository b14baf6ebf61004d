/**
 * Attention of one query, as in a step of generation: keys and values are read once, from front to back, with
 * all heads of a key at a time, as they lie in a cache.
 */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  type FunctionDefinition,
  i32,
  i32x4,
  type Local,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { forRow, forWideRow } from '../../backends/wasm/loops/row-loop.ts'
import type { WasmBackend, WasmOperand } from '../../backends/wasm/wasm-backend.ts'
import { atMost, KC } from '../matmul/wasm/tile.wasm.ts'
import type { AttentionAttrs, AttentionSizes } from './attention.ts'
import { softmax } from './softmax.wasm.ts'

/** Minimum number of scores that are worth giving to another thread. */
const minScores = 4096

/** Computes o and lse of one query in each sequence. */
export function oneQuery(
  backend: WasmBackend,
  [q, k, v]: readonly WasmOperand[],
  [o, lse]: readonly WasmOperand[],
  { b, s, h, g, d }: AttentionSizes,
  { keys, scale }: AttentionAttrs,
): void {
  if (b * h * d === 0) return
  const { relaxedSimd } = backend.features
  const { oneQuery: kernel } = backend.functions('attention of one query', (module) =>
    module.exportDefined(buildOneQuery(relaxedSimd)),
  )
  const shared = h / g
  const all = (many: number) => [{ first: 0, many }]
  // Each thread has some sequences or, where these are few, some groups of each.
  const sequences = b < backend.threads ? all(b) : backend.cut(b, minScores / (keys * h))
  const groups =
    b < backend.threads
      ? backend.cut(g, Math.max(g / backend.threads, minScores / (b * keys * shared)))
      : all(g)
  const calls = sequences.flatMap((some) => groups.map((own) => ({ some, own })))
  const bytes = 4 * shared * Math.ceil(g / groups.length) * (keys + d)
  backend.scratch(bytes * calls.length, 'attention', (start) => {
    const lists = calls.map(({ some, own }, i) => {
      const head = some.first * h + own.first * shared
      const key = 4 * d * (some.first * s * g + own.first)
      const from = [q.buffer + 4 * d * head, k.buffer + key, v.buffer + key]
      const to = [o.buffer + 4 * d * head, lse.buffer + 4 * head]
      const steps = [4 * d * h, 4 * d * g * s, 4 * h]
      return [
        ...from,
        ...to,
        some.many,
        ...steps,
        own.many,
        shared,
        4 * d,
        4 * d * g,
        keys,
        scale,
        start + bytes * i,
      ]
    })
    backend.runAll(kernel, lists)
  })
}

// Bytes from sequence to sequence; `shared` heads read one group; `head` are the bytes of a head.
// biome-ignore format: what comes in and goes out, steps, sizes
const parameters = {
  q: 'i32', k: 'i32', v: 'i32', o: 'i32', lse: 'i32', sequences: 'i32', queryStep: 'i32', keyStep: 'i32', lseStep: 'i32',
  groups: 'i32', shared: 'i32', head: 'i32', keyRow: 'i32', keys: 'i32', scale: 'f32', room: 'i32',
} as const

function buildOneQuery(fused: boolean): FunctionDefinition<typeof parameters, void> {
  const addTo = (f: FunctionBuilder, sum: Local<'v128'>, x: Value<'v128'>, y: Value<'v128'>): void =>
    f.set(sum, fused ? f32x4.relaxedMadd(x, y, sum) : f32x4.add(f32x4.mul(x, y), sum))
  return defineFunction('oneQuery', parameters, (f, p) => {
    const heads = f.let(i32.mul(p.groups, p.shared))
    const width = f.let(i32.shl(p.keys, 2))
    const bytes = f.let(i32.mul(heads, p.head))
    const sums = f.let(i32.add(p.room, i32.mul(heads, width)))

    /** Runs `body` for each head of a key: its part of a row of heads, of the key, and its score. */
    const eachHead = (
      rows: Value<'i32'>,
      key: Value<'i32'>,
      score: Value<'i32'>,
      body: (row: Value<'i32'>, part: Value<'i32'>, score: Value<'i32'>) => void,
    ): void => {
      const [row, part, place] = [f.local('i32', rows), f.local('i32', key), f.local('i32', score)]
      f.repeat(p.groups, () => {
        f.repeat(p.shared, () => {
          body(row, part, place)
          f.advance(row, p.head)
          f.advance(place, width)
        })
        f.advance(part, p.head)
      })
    }

    f.repeat(p.sequences, () => {
      // S = q·kᵀ
      const [key, score] = [f.local('i32', p.k), f.local('i32', p.room)]
      f.repeat(p.keys, () => {
        eachHead(p.q, key, score, (query, part, place) => {
          const four = Array.from({ length: 4 }, () => f.local('v128', f32x4.splat(0)))
          const whole = f.let(i32.and(p.head, -64))
          f.forRange(0, whole, 64, (at) => {
            const [x, y] = [f.let(i32.add(query, at)), f.let(i32.add(part, at))]
            four.forEach((sum, j) => addTo(f, sum, v128.load(x, 16 * j), v128.load(y, 16 * j)))
          })
          const rest = [f.let(i32.add(query, whole)), f.let(i32.add(part, whole))]
          forRow(f, i32.sub(p.head, whole), (at, { load }) => {
            addTo(f, four[0], load(i32.add(rest[0], at)), load(i32.add(rest[1], at)))
          })
          const one = f.let(f32x4.add(f32x4.add(four[0], four[1]), f32x4.add(four[2], four[3])))
          const two = f.let(f32x4.add(one, i32x4.shuffle(one, one, [2, 3, 0, 1])))
          f.storeLane(place, f32x4.add(two, i32x4.shuffle(two, two, [1, 0, 3, 2])), 0)
        })
        f.advance(key, p.keyRow)
        f.advance(score, 4)
      })

      // P = softmax(scale·S) in its place
      f.call(softmax, {
        scores: p.room,
        lse: p.lse,
        rows: heads,
        width,
        seen: width,
        scale: p.scale,
        more: 0,
      })

      // o = P·v, in blocks of keys whose sums are added
      const [value, weight] = [f.local('i32', p.v), f.local('i32', p.room)]
      const left = f.local('i32', p.keys)
      f.fill(p.o, 0, bytes)
      f.while(left, () => {
        const some = f.let(atMost(left, KC))
        f.fill(sums, 0, bytes)
        f.repeat(some, () => {
          eachHead(sums, value, weight, (sum, part, place) => {
            const factor = f.let(v128.load32Splat(place))
            forWideRow(f, p.head, [sum, part], ([to, from], offsets, { load, store }) => {
              for (const offset of offsets) {
                const [x, own] = [load(from, offset), load(to, offset)]
                store(
                  to,
                  fused ? f32x4.relaxedMadd(factor, x, own) : f32x4.add(f32x4.mul(factor, x), own),
                  offset,
                )
              }
            })
          })
          f.advance(value, p.keyRow)
          f.advance(weight, 4)
        })
        forWideRow(f, bytes, [p.o, sums], ([to, from], offsets, { load, store }) => {
          for (const offset of offsets) store(to, f32x4.add(load(to, offset), load(from, offset)), offset)
        })
        f.set(left, i32.sub(left, some))
      })
      for (const x of [p.q, p.o]) f.advance(x, p.queryStep)
      for (const x of [p.k, p.v]) f.advance(x, p.keyStep)
      f.advance(p.lse, p.lseStep)
    })
  })
}
