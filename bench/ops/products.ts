/** Matrix products on one thread: checked entry by entry, then timed beside the peers until the result has been read. */
import { type Device, fill, matmul, openScope, type Tensor, tensorFrom } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { medianOf, type Peer, type ProductShape } from '../peers/peer.ts'

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

/** A layer of `from` inputs and `to` outputs over `tokens`: its outputs, and the slopes of its inputs and weights. */
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
  ...layer(1, 768, 3072).slice(0, 2),
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
    checks.push(atMost(`${shape.name}: error, in units of its terms' magnitude`, error, 1e-6))
    const own = speed(await timeOf(plain, shape, { read: true }))
    const asItComes = speed(await timeOf(device, shape, { read: true }))
    const theirs: { name: string; isJavaScript: boolean; speed: number }[] = []
    for (const peer of [...peers, ...(eagerJax ? [{ ...eagerJax, isJavaScript: true }] : [])]) {
      if (peer.name.includes('eager') && (shape.transposeA || shape.transposeB)) continue
      const milliseconds = await peer.matmul?.(shape)
      if (milliseconds !== undefined) theirs.push({ ...peer, speed: speed(milliseconds) })
    }
    const about = { metric: 'speed', unit: 'GFLOP/s' }
    for (const [name, value] of [
      [shape.name, asItComes],
      [`${shape.name}, not revectorised`, own],
    ] as const) {
      if (theirs.length === 0) rows.push({ ...about, case: name, value })
      for (const peer of theirs) {
        rows.push({
          ...about,
          case: name,
          value,
          peer: peer.name,
          peerValue: peer.speed,
          ratio: value / peer.speed,
        })
      }
    }
    note(
      `${shape.name}: ${asItComes.toFixed(1)}, not revectorised ${own.toFixed(1)}; ` +
        theirs.map((peer) => `${peer.name} ${peer.speed.toFixed(1)}`).join(', '),
    )
    const inJavaScript = theirs.filter(({ isJavaScript }) => isJavaScript).map((peer) => peer.speed)
    if (shape.name === '512³ NN') {
      const kernel = speed(await timeOf(plain, shape, { read: false }))
      checks.push(
        atLeast(
          '512³, not revectorised: share of the peak',
          (kernel * 1e9) / (plain.peakFlops ?? Number.NaN),
          0.8,
        ),
      )
      if (inJavaScript.length > 0) {
        const ratio = own / Math.max(...inJavaScript)
        checks.push(atLeast('512³, not revectorised: times as fast as the best in JavaScript', ratio, 1.7))
      }
    }
    const eager = theirs.find((peer) => peer.name === eagerJax?.name)
    if (shape.name === '64³ NN' && eager) {
      checks.push(atLeast(`64³, not revectorised: times as fast as ${eager.name}`, own / eager.speed, 4))
    }
  }
  return { rows, checks }
}

const operands = ({ m, n, k, transposeA, transposeB }: ProductShape) =>
  [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]] as const

async function timeOf(device: Device, shape: ProductShape, { read }: { read: boolean }): Promise<number> {
  using _operands = openScope()
  const [a, b] = operands(shape).map((size) => fill(device, size, 0.5))
  return medianOf(() => {
    using _ = openScope()
    const product = matmul(a, b, shape)
    if (read) product.readSync()
  })
}

/**
 * The largest error among some entries of a product, in units of Σ|aᵢₜ·bₜⱼ|: each is summed anew in double precision.
 */
function largestErrorOf(device: Device, shape: ProductShape): number {
  using _ = openScope()
  const { m, n, k, transposeA = false, transposeB = false } = shape
  const number = (i: number): number => Math.fround(Math.sin(i * 0.7 + (i % 89)))
  const [a, b]: readonly Tensor[] = operands(shape).map((size) => tensorFrom(size, number, device))
  const product = matmul(a, b, shape).readSync()
  let worst = 0
  for (let sample = 0; sample < 500; sample++) {
    const [i, j] = [(sample * 7919) % m, (sample * 104_729) % n]
    let [sum, magnitude] = [0, 0]
    for (let t = 0; t < k; t++) {
      const term = number(transposeA ? t * m + i : i * k + t) * number(transposeB ? j * k + t : t * n + j)
      sum += term
      magnitude += Math.abs(term)
    }
    worst = Math.max(worst, Math.abs(product[i * n + j] - sum) / magnitude)
  }
  return worst
}
