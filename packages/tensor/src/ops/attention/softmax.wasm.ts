/** Softmax over rows of scores, of which each may see more than the one before. */
import {
  defineFunction,
  f32x4,
  type FunctionBuilder,
  i32,
  type Local,
  type Value,
  v128,
} from '../../backends/wasm/assembler/index.ts'
import { vectorMath } from '../../backends/wasm/expression/math.ts'
import { forRow, maxOfRow, sumOfRow } from '../../backends/wasm/loops/row-loop.ts'

const { add, div, mul, splat, sub } = f32x4

// biome-ignore format: the rows, what belongs to each, and how many bytes of it count
const maskedParameters = {
  scores: 'i32', lse: 'i32', rows: 'i32', width: 'i32', seen: 'i32', scale: 'f32', more: 'i32',
} as const

/** Scores → their softmax in their place, and the logarithm of the sum of its exponentials. */
export const softmax = defineFunction('softmax', maskedParameters, (b, p) => {
  const scale = b.let(splat(p.scale))
  eachMaskedRow(b, p, () => {
    const scaled = (at: Value<'i32'>, load: (pointer: Value<'i32'>) => Value<'v128'>): Value<'v128'> =>
      mul(load(i32.add(p.scores, at)), scale)
    const top = maxOfRow(b, p.seen, (at, { load }) => scaled(at, load))
    const total = sumOfRow(b, p.seen, (at, { load, store }) => {
      const weight = b.inline(vectorMath.exp, { x: sub(scaled(at, load), top) })
      store(i32.add(p.scores, at), weight)
      return weight
    })
    const share = b.let(div(1, total))
    forRow(b, p.seen, (at, { load, store }) => {
      const place = b.let(i32.add(p.scores, at))
      store(place, mul(load(place), share))
    })
    b.storeLane(p.lse, add(top, b.call(vectorMath.log, { x: total })), 0)
  })
})

/** Scores → their softmax in their place, of which that logarithm is known. */
export const weights = defineFunction('weights', maskedParameters, (b, p) => {
  const scale = b.let(splat(p.scale))
  eachMaskedRow(b, p, () => {
    const logSumExp = b.let(v128.load32Splat(p.lse))
    forRow(b, p.seen, (at, { load, store }) => {
      const place = b.let(i32.add(p.scores, at))
      store(place, b.inline(vectorMath.exp, { x: sub(mul(load(place), scale), logSumExp) }))
    })
  })
})

/** The current row: `scores` and `lse` point at it, `seen` bytes of it count. */
interface MaskedRow {
  readonly scores: Local<'i32'>
  readonly lse: Local<'i32'>
  readonly rows: Local<'i32'>
  readonly width: Local<'i32'>
  readonly seen: Local<'i32'>
  readonly more: Local<'i32'>
}

/** Runs `body` for each row, with zeros after the keys it sees; the next row sees `more` bytes more. */
function eachMaskedRow(b: FunctionBuilder, row: MaskedRow, body: () => void): void {
  b.repeat(row.rows, () => {
    body()
    b.fill(i32.add(row.scores, row.seen), 0, i32.sub(row.width, row.seen))
    b.advance(row.scores, row.width)
    b.advance(row.lse, 4)
    b.advance(row.seen, row.more)
  })
}
