/**
 * Matrix products on one thread: checked entry by entry, then timed beside the peers until the result has
 * been read.
 */
import { type Device, fill, matmul, openScope, scopeAsync, type Tensor, tensorFrom } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import {
  inTurn,
  median,
  medianOf,
  type Peer,
  type ProductShape,
  type Timed,
  timesAsFast,
} from '../peers/peer.ts'

/** A product and what it is called. */
interface ProductCase extends ProductShape {
  readonly name: string
}

const layouts = {
  NN: {},
  NT: { transposeB: true },
  TN: { transposeA: true },
}

const square = (n: number): ProductCase[] =>
  Object.entries(layouts).map(([layout, transposed]) => ({
    ...{ name: `${n}³ ${layout}`, m: n, n, k: n },
    ...transposed,
  }))

/**
 * A layer of `from` inputs and `to` outputs over `tokens`: its outputs, and the gradients of its inputs and
 * weights.
 */
const layer = (tokens: number, from: number, to: number): ProductCase[] => [
  { name: `${tokens}×${from}·${from}×${to} NN`, m: tokens, n: to, k: from },
  { name: `${tokens}×${to}·${to}×${from} NT`, m: tokens, n: from, k: to, transposeB: true },
  { name: `${from}×${tokens}·${tokens}×${to} TN`, m: from, n: to, k: tokens, transposeA: true },
]

const quickCases = [...square(64), ...square(512)]
const allCases = [
  ...[64, 128, 256, 512, 1024].flatMap(square),
  ...layer(768, 128, 512),
  ...layer(2048, 384, 1536),
  ...layer(1, 768, 3072).slice(0, 1),
  { name: '1×768·768×8192 NT', m: 1, n: 8192, k: 768, transposeB: true },
]

/** Ours twice: without V8's revectorisation and as `openWasm` comes. All on one thread. */
export interface Contestants {
  readonly plain: Device
  readonly device: Device
  readonly peers: readonly Peer[]
  /** jax-js without `jit`. */
  readonly eagerJax?: Pick<Peer, 'name' | 'matmul'>
}

/** Times every product, and checks the bounds of 512³ and 64³. */
export async function products(
  { plain, device, peers, eagerJax }: Contestants,
  quick: boolean,
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const shape of quick ? quickCases : allCases) {
    const speed = (milliseconds: number): number => (2 * shape.m * shape.n * shape.k) / milliseconds / 1e6
    const error = Math.max(...[plain, device].map((own) => largestErrorOf(own, shape)))
    checks.push(atMost(`${shape.name}: share of the largest possible rounding error`, error, 1))
    const [own, asItComes, ...theirs] = await inTurn([
      { name: 'plain', isJavaScript: false, measure: () => timeOf(plain, shape, { read: true }) },
      { name: 'as it comes', isJavaScript: false, measure: () => timeOf(device, shape, { read: true }) },
      ...[...peers, ...(eagerJax && !isTransposed(shape) ? [{ ...eagerJax, isJavaScript: true }] : [])].map(
        ({ name, isJavaScript, matmul: theirMatmul }) => ({
          ...{ name, isJavaScript },
          measure: () => theirMatmul?.(shape) ?? Promise.resolve(Number.NaN),
        }),
      ),
    ])
    const speedOf = ({ times }: Timed): number => speed(median(times))
    const about = { metric: 'speed', unit: 'GFLOP/s' }
    for (const [name, one] of [
      [shape.name, asItComes],
      [`${shape.name}, not revectorised`, own],
    ] as const) {
      const value = speedOf(one)
      if (theirs.length === 0) rows.push({ ...about, case: name, value })
      for (const peer of theirs) {
        const ratio = timesAsFast(one, peer)
        rows.push({ ...about, case: name, value, peer: peer.name, peerValue: speedOf(peer), ratio })
      }
    }
    note(
      `${shape.name}: ${speedOf(asItComes).toFixed(1)}, not revectorised ${speedOf(own).toFixed(1)}; ` +
        theirs.map((peer) => `${peer.name} ${speedOf(peer).toFixed(1)}`).join(', '),
    )
    const inJavaScript = theirs.filter(({ isJavaScript }) => isJavaScript)
    if (shape.name === '512³ NN') {
      // The peak is that of the best moment of the race, and is compared with the best moment of the product.
      const [product] = await inTurn([{ name: '512³', measure: () => timeOf(plain, shape, { read: false }) }])
      const share = (speed(Math.min(...product.times)) * 1e9) / (plain.peakFlops ?? Number.NaN)
      checks.push(atLeast('512³, not revectorised: share of the peak', share, 0.8))
      if (inJavaScript.length > 0) {
        const ratio = Math.min(...inJavaScript.map((peer) => timesAsFast(asItComes, peer)))
        checks.push(atLeast('512³: times as fast as the best in JavaScript', ratio, 1.7))
      }
    }
    const eager = theirs.find((peer) => peer.name === eagerJax?.name)
    if (shape.name === '64³ NN' && eager) {
      checks.push(atLeast(`64³: times as fast as ${eager.name}`, timesAsFast(asItComes, eager), 4))
    }
  }
  return { rows, checks }
}

const isTransposed = ({ transposeA = false, transposeB = false }: ProductShape): boolean =>
  transposeA || transposeB

const operands = ({ m, n, k, transposeA, transposeB }: ProductShape) =>
  [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]] as const

function timeOf(device: Device, shape: ProductShape, { read }: { read: boolean }): Promise<number> {
  return scopeAsync((part) => {
    const [a, b] = part(() => operands(shape).map((size) => fill(device, size, 0.5)))
    return medianOf(() => {
      using _ = openScope()
      const product = matmul(a, b, layoutOf(shape))
      if (read) product.readSync()
    })
  })
}

const layoutOf = ({ transposeA = false, transposeB = false }: ProductShape) => ({ transposeA, transposeB })

/**
 * The largest error among some entries of a product, each summed anew in double precision, as a share of the
 * bound k·2⁻²⁴·Σ|aᵢₜ·bₜⱼ| for sums in any order (Higham 2002, section 4.2).
 */
function largestErrorOf(device: Device, shape: ProductShape): number {
  using _ = openScope()
  const { m, n, k, transposeA = false, transposeB = false } = shape
  const number = (i: number): number => Math.fround(Math.sin(i * 0.7 + (i % 89)))
  const [a, b]: readonly Tensor[] = operands(shape).map((size) => tensorFrom(size, number, device))
  const product = matmul(a, b, layoutOf(shape)).readSync()
  let worst = 0
  for (let sample = 0; sample < 500; sample++) {
    const [i, j] = [(sample * 7919) % m, (sample * 104_729) % n]
    let [sum, magnitude] = [0, 0]
    for (let t = 0; t < k; t++) {
      const term = number(transposeA ? t * m + i : i * k + t) * number(transposeB ? j * k + t : t * n + j)
      sum += term
      magnitude += Math.abs(term)
    }
    worst = Math.max(worst, Math.abs(product[i * n + j] - sum) / (k * 2 ** -24 * magnitude))
  }
  return worst
}
