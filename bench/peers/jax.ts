/** jax-js as a peer: its WASM backend, with the whole step traced by `jit`. In Node it has one thread. */
import { createRequire } from 'node:module'
import { batchOf, medianOf, optimizer, type Peer, type TrainingCase, type Weights } from './peer.ts'

/**
 * The part of a jax-js array that is used. Functions consume their arguments; `ref` is a copy of the handle.
 */
interface NdArray {
  readonly ref: NdArray
  readonly shape: number[]
  add(x: NdArray | number): NdArray
  sub(x: NdArray | number): NdArray
  mul(x: NdArray | number): NdArray
  div(x: NdArray | number): NdArray
  reshape(shape: readonly number[]): NdArray
  transpose(order?: readonly number[]): NdArray
  dataSync(): Float32Array
  dispose(): void
}

/** The part of jax-js that is used. */
interface Jax {
  readonly numpy: {
    array(data: Float32Array | Int32Array): NdArray
    matmul(a: NdArray, b: NdArray): NdArray
    exp(x: NdArray): NdArray
    log(x: NdArray): NdArray
    sqrt(x: NdArray): NdArray
    reciprocal(x: NdArray): NdArray
    tanh(x: NdArray): NdArray
    square(x: NdArray): NdArray
    minimum(x: NdArray, y: number): NdArray
    sum(x: NdArray, axis?: number | null, options?: { keepdims?: boolean }): NdArray
    mean(x: NdArray, axis?: number | null, options?: { keepdims?: boolean }): NdArray
  }
  readonly nn: {
    softmax(x: NdArray, axis?: number): NdArray
    logsumexp(x: NdArray, axis?: number): NdArray
    oneHot(ids: NdArray, classes: number): NdArray
  }
  init(device: string): Promise<string[]>
  defaultDevice(device: string): string
  jit<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R
  valueAndGrad(
    f: (w: Tree, x: NdArray, y: NdArray) => NdArray,
  ): (w: Tree, x: NdArray, y: NdArray) => [NdArray, Tree]
}

type Tree = Record<string, NdArray>

/** Loads jax-js; `undefined` where it is not installed. */
export async function openJax(): Promise<Peer | undefined> {
  const require = createRequire(import.meta.url)
  let jax: Jax
  let version: string
  try {
    const name = '@jax-js/jax'
    jax = (await import(name)) as Jax
    version = (require('./package.json') as { dependencies: Record<string, string> }).dependencies[name]
  } catch {
    return undefined
  }
  if (!(await jax.init('wasm')).includes('wasm')) return undefined
  jax.defaultDevice('wasm')
  const { numpy: np } = jax
  const noise = (shape: readonly number[]): NdArray =>
    np
      .array(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)))
      .reshape(shape)
  return {
    name: `jax-js ${version} (WASM, jit)`,
    isJavaScript: true,
    trainer: (about, weights) => Promise.resolve(trainer(jax, about, weights)),
    matmul({ m, n, k, transposeA = false, transposeB = false }) {
      const [a, b] = [noise(transposeA ? [k, m] : [m, k]), noise(transposeB ? [n, k] : [k, n])]
      const product = jax.jit((x: NdArray, y: NdArray) =>
        np.matmul(transposeA ? x.transpose() : x, transposeB ? y.transpose() : y),
      )
      return medianOf(() => void product(a.ref, b.ref).dataSync())
    },
    attention([b, t, h, d]) {
      const [q, k, v] = [0, 1, 2].map(() => noise([b, h, t, d]))
      const mask = causalMask(jax, t)
      const run = jax.jit((...xs: NdArray[]) => attend(jax, xs[0], xs[1], xs[2], xs[3]))
      return medianOf(() => void run(q.ref, k.ref, v.ref, mask.ref).dataSync())
    },
    close() {},
  }
}

/** jax-js without `jit`, as its users call it one operation at a time: what our own library does too. */
export async function openEagerJax(): Promise<Pick<Peer, 'name' | 'matmul'> | undefined> {
  const peer = await openJax()
  if (peer === undefined) return undefined
  const name = '@jax-js/jax'
  const { numpy: np } = (await import(name)) as Jax
  return {
    name: peer.name.replace('jit', 'eager'),
    matmul({ m, n, k }) {
      const [a, b] = [
        [m, k],
        [k, n],
      ].map(([rows, columns]) =>
        np
          .array(Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)))
          .reshape([rows, columns]),
      )
      return medianOf(() => void np.matmul(a.ref, b.ref).dataSync())
    },
  }
}

const causalMask = ({ numpy: np }: Jax, t: number): NdArray =>
  np
    .array(Float32Array.from({ length: t * t }, (_, i) => (i % t > Math.floor(i / t) ? -1e9 : 0)))
    .reshape([t, t])

/** Heads first: [B, H, T, D] each. */
function attend({ numpy: np, nn }: Jax, q: NdArray, k: NdArray, v: NdArray, mask: NdArray): NdArray {
  const scale = 1 / Math.sqrt(q.shape[3])
  const scores = np
    .matmul(q, k.transpose([0, 1, 3, 2]))
    .mul(scale)
    .add(mask)
  return np.matmul(nn.softmax(scores, -1), v)
}

function trainer(jax: Jax, about: TrainingCase, weights: Weights) {
  const { numpy: np, nn } = jax
  const { batch: B, context: T, embed: C, heads: H, layers, vocabulary: V } = about
  const paths = Object.keys(weights)
  const tree = (make: (path: string) => NdArray): Tree =>
    Object.fromEntries(paths.map((path) => [path, make(path)]))
  const zeros = (): Tree =>
    tree((path) => np.array(new Float32Array(weights[path].data.length)).reshape(weights[path].shape))
  let w = tree((path) => np.array(Float32Array.from(weights[path].data)).reshape(weights[path].shape))
  let [m, v] = [zeros(), zeros()]
  const mask = causalMask(jax, T)

  const norm = (x: NdArray, gain: NdArray, bias: NdArray): NdArray => {
    const centred = x.ref.sub(np.mean(x, 1, { keepdims: true }))
    const variance = np.mean(np.square(centred.ref), 1, { keepdims: true })
    return centred
      .div(np.sqrt(variance.add(1e-5)))
      .mul(gain)
      .add(bias)
  }
  const gelu = (x: NdArray): NdArray => {
    const cubed = x.ref.mul(x.ref).mul(x.ref)
    const inner = x.ref.add(cubed.mul(0.044715)).mul(Math.sqrt(2 / Math.PI))
    return x.mul(0.5).mul(np.tanh(inner).add(1))
  }
  const loss = (ws: Tree, tokens: NdArray, targets: NdArray): NdArray => {
    const linear = (x: NdArray, at: string, from: number, to: number): NdArray => {
      const matrix = ws[`${at}.weight`].ref.reshape([from, to])
      return np.matmul(x, matrix).add(ws[`${at}.bias`].ref.reshape([to]))
    }
    const normAt = (x: NdArray, at: string): NdArray => norm(x, ws[`${at}.gain`].ref, ws[`${at}.bias`].ref)
    const embedded = np.matmul(tokens, ws['embed.token.weight'].ref).reshape([B, T, C])
    let x = embedded.add(ws['embed.position.weight'].ref).reshape([B * T, C])
    for (let i = 0; i < layers; i++) {
      const [attention, mlp] = [`blocks.b${i}.attention`, `blocks.b${i}.mlp`]
      const normal = normAt(x.ref, `${attention}.norm`)
      const [q, k, value] = ['query', 'key', 'value'].map((name) =>
        linear(normal.ref, `${attention}.${name}`, C, C)
          .reshape([B, T, H, C / H])
          .transpose([0, 2, 1, 3]),
      )
      const heads = attend(jax, q, k, value, mask.ref)
        .transpose([0, 2, 1, 3])
        .reshape([B * T, C])
      x = x.add(linear(heads, `${attention}.output`, C, C))
      const wide = gelu(linear(normAt(x.ref, `${mlp}.norm`), `${mlp}.up`, C, 4 * C))
      x = x.add(linear(wide, `${mlp}.down`, 4 * C, C))
    }
    const logits = np.matmul(normAt(x, 'head.norm'), ws['embed.token.weight'].ref.transpose())
    const chosen = np.sum(logits.ref.mul(targets), 1)
    return np.mean(nn.logsumexp(logits, 1).sub(chosen))
  }

  const { learningRate, beta1, beta2, epsilon, weightDecay, clip } = optimizer
  const update = jax.jit((ws: Tree, ms: Tree, vs: Tree, x: NdArray, y: NdArray, m1: NdArray, m2: NdArray) => {
    const own = tree((path) => ws[path].ref)
    const [value, grads] = jax.valueAndGrad(loss)(own, nn.oneHot(x, V), nn.oneHot(y, V))
    const norm2 = paths.map((path) => np.sum(np.square(grads[path].ref))).reduce((a, b) => a.add(b))
    const factor = np.minimum(np.reciprocal(np.sqrt(norm2).add(1e-6)).mul(clip), 1)
    const next: Record<'ws' | 'ms' | 'vs', Tree> = { ws: {}, ms: {}, vs: {} }
    for (const path of paths) {
      const g = grads[path].mul(factor.ref)
      const first = ms[path].mul(beta1).add(g.ref.mul(1 - beta1))
      const second = vs[path].mul(beta2).add(np.square(g).mul(1 - beta2))
      const spread = np.sqrt(second.ref.mul(m2.ref)).add(epsilon)
      const change = first.ref.mul(m1.ref).div(spread)
      next.ws[path] = ws[path].mul(1 - learningRate * weightDecay).sub(change.mul(learningRate))
      next.ms[path] = first
      next.vs[path] = second
    }
    return { value, ...next }
  })

  return {
    run(first: number, count: number) {
      const [losses, milliseconds]: number[][] = [[], []]
      for (let step = first; step < first + count; step++) {
        const start = performance.now()
        const { tokens, targets } = batchOf(step, about)
        const corrections = [beta1, beta2].map((beta) =>
          np.array(Float32Array.of(1 / (1 - beta ** (step + 1)))).reshape([]),
        )
        const next = update(w, m, v, np.array(tokens), np.array(targets), corrections[0], corrections[1])
        losses.push(next.value.dataSync()[0])
        ;({ ws: w, ms: m, vs: v } = next)
        milliseconds.push(performance.now() - start)
      }
      return Promise.resolve({ losses, milliseconds })
    },
    dispose() {
      for (const x of [w, m, v].flatMap((all) => Object.values(all))) x.dispose()
    },
  }
}
