/** TensorFlow.js as a peer: its WASM backend, which has SIMD and, in Node, one thread. */
import { dirname } from 'node:path'
import { createRequire } from 'node:module'
import {
  batchOf,
  medianOf,
  optimizer,
  type Peer,
  timedUpdates,
  type TrainingCase,
  type Weights,
} from './peer.ts'

/** The part of a TensorFlow.js tensor that is used. */
interface Tensor {
  readonly shape: number[]
  dataSync(): Float32Array
  dispose(): void
}

/** The part of TensorFlow.js that is used. */
interface Tf {
  readonly version_core: string
  setBackend(name: string): Promise<boolean>
  tensor(data: ArrayLike<number>, shape?: readonly number[], dtype?: string): Tensor
  tidy<R>(body: () => R): R
  keep<T extends Tensor>(x: T): T
  grads(f: (...xs: Tensor[]) => Tensor): (xs: Tensor[]) => Tensor[]
  valueAndGrads(f: (...xs: Tensor[]) => Tensor): (xs: Tensor[]) => { value: Tensor; grads: Tensor[] }
  oneHot(ids: Tensor, depth: number): Tensor
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor
  add(a: Tensor, b: Tensor | number): Tensor
  sub(a: Tensor, b: Tensor | number): Tensor
  mul(a: Tensor, b: Tensor | number): Tensor
  div(a: Tensor | number, b: Tensor | number): Tensor
  sqrt(a: Tensor): Tensor
  square(a: Tensor): Tensor
  exp(a: Tensor): Tensor
  log(a: Tensor): Tensor
  tanh(a: Tensor): Tensor
  minimum(a: Tensor | number, b: Tensor | number): Tensor
  softmax(a: Tensor): Tensor
  sum(a: Tensor, axis?: number, keepDims?: boolean): Tensor
  mean(a: Tensor, axis?: number, keepDims?: boolean): Tensor
  max(a: Tensor, axis?: number, keepDims?: boolean): Tensor
  reshape(a: Tensor, shape: readonly number[]): Tensor
  transpose(a: Tensor, order: readonly number[]): Tensor
  cast(a: Tensor, dtype: string): Tensor
}

/** Loads TensorFlow.js; `undefined` where it is not installed. */
export async function openTfjs(): Promise<Peer | undefined> {
  const require = createRequire(import.meta.url)
  let tf: Tf
  try {
    tf = require('@tensorflow/tfjs') as Tf
    const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
    wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`)
  } catch {
    return undefined
  }
  if (!(await tf.setBackend('wasm'))) return undefined
  return {
    name: `TensorFlow.js ${tf.version_core} (WASM)`,
    isJavaScript: true,
    trainer: (about, weights) => Promise.resolve(trainer(tf, about, weights)),
    matmul: ({ m, n, k, transposeA = false, transposeB = false }) => {
      const a = noise(tf, transposeA ? [k, m] : [m, k])
      const b = noise(tf, transposeB ? [n, k] : [k, n])
      return medianOf(() => {
        const product = tf.matMul(a, b, transposeA, transposeB)
        product.dataSync()
        product.dispose()
      })
    },
    attention: ([b, t, h, d]) => {
      const [q, k, v] = [0, 1, 2].map(() => noise(tf, [b, h, t, d]))
      const mask = causalMask(tf, t)
      return medianOf(() => tf.tidy(() => void attend(tf, q, k, v, mask).dataSync()))
    },
    close() {},
  }
}

const noise = (tf: Tf, shape: readonly number[]): Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
    shape,
  )

const causalMask = (tf: Tf, t: number): Tensor =>
  tf.tensor(
    Float32Array.from({ length: t * t }, (_, i) => (i % t > Math.floor(i / t) ? -1e9 : 0)),
    [t, t],
  )

/** Heads first: [B, H, T, D] each. */
function attend(tf: Tf, q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[3]))
  return tf.matMul(tf.softmax(tf.add(scores, mask)), v)
}

function trainer(tf: Tf, about: TrainingCase, weights: Weights) {
  const { batch: B, context: T, embed: C, heads: H, layers, vocabulary: V } = about
  const paths = Object.keys(weights)
  let current = paths.map((path) => tf.tensor(Float32Array.from(weights[path].data), weights[path].shape))
  let moments = current.map((w) => [0, 1].map(() => tf.tidy(() => tf.mul(w, 0))))
  const mask = causalMask(tf, T)

  const norm = (x: Tensor, gain: Tensor, bias: Tensor): Tensor => {
    const centred = tf.sub(x, tf.mean(x, 1, true))
    const variance = tf.mean(tf.square(centred), 1, true)
    return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, 1e-5))), gain), bias)
  }
  const gelu = (x: Tensor): Tensor => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI))
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1))
  }
  const loss = (w: (path: string) => Tensor, tokens: Tensor, targets: Tensor): Tensor => {
    const linear = (x: Tensor, at: string, to: number): Tensor => {
      const matrix = tf.reshape(w(`${at}.weight`), [x.shape[1], to])
      return tf.add(tf.matMul(x, matrix), tf.reshape(w(`${at}.bias`), [to]))
    }
    // Tokens are one-hot rows: the WASM backend cannot scatter the gradient of a gather.
    const embedded = tf.reshape(tf.matMul(tokens, w('embed.token.weight')), [B, T, C])
    let x = tf.reshape(tf.add(embedded, w('embed.position.weight')), [B * T, C])
    for (let i = 0; i < layers; i++) {
      const [attention, mlp] = [`blocks.b${i}.attention`, `blocks.b${i}.mlp`]
      const normal = norm(x, w(`${attention}.norm.gain`), w(`${attention}.norm.bias`))
      const [q, k, v] = ['query', 'key', 'value'].map((name) =>
        tf.transpose(tf.reshape(linear(normal, `${attention}.${name}`, C), [B, T, H, C / H]), [0, 2, 1, 3]),
      )
      const heads = tf.reshape(tf.transpose(attend(tf, q, k, v, mask), [0, 2, 1, 3]), [B * T, C])
      x = tf.add(x, linear(heads, `${attention}.output`, C))
      const wide = norm(x, w(`${mlp}.norm.gain`), w(`${mlp}.norm.bias`))
      x = tf.add(x, linear(gelu(linear(wide, `${mlp}.up`, 4 * C)), `${mlp}.down`, C))
    }
    const last = norm(x, w('head.norm.gain'), w('head.norm.bias'))
    const logits = tf.matMul(last, w('embed.token.weight'), false, true)
    const shifted = tf.sub(logits, tf.max(logits, 1, true))
    const logSumExp = tf.log(tf.sum(tf.exp(shifted), 1))
    return tf.mean(tf.sub(logSumExp, tf.sum(tf.mul(shifted, targets), 1)))
  }

  const update = (step: number): number => {
    const { tokens, targets } = batchOf(step, about)
    const { learningRate, beta1, beta2, epsilon, weightDecay, clip } = optimizer
    const next = tf.tidy(() => {
      const oneHot = (ids: Int32Array): Tensor =>
        tf.cast(tf.oneHot(tf.tensor(ids, [ids.length], 'int32'), V), 'float32')
      const [x, y] = [oneHot(tokens), oneHot(targets)]
      const f = (...ws: Tensor[]): Tensor => loss((path) => ws[paths.indexOf(path)], x, y)
      const { value, grads } = tf.valueAndGrads(f)(current)
      const norm2 = grads.map((g) => tf.sum(tf.square(g))).reduce((a, b) => tf.add(a, b))
      const factor = tf.minimum(1, tf.div(clip, tf.add(tf.sqrt(norm2), 1e-6)))
      const [m1, m2] = [1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1)]
      const parts = current.map((w, i) => {
        const g = tf.mul(grads[i], factor)
        const m = tf.add(tf.mul(moments[i][0], beta1), tf.mul(g, 1 - beta1))
        const v = tf.add(tf.mul(moments[i][1], beta2), tf.mul(tf.square(g), 1 - beta2))
        const change = tf.div(tf.div(m, m1), tf.add(tf.sqrt(tf.div(v, m2)), epsilon))
        const decayed = tf.mul(w, 1 - learningRate * weightDecay)
        return { w: tf.sub(decayed, tf.mul(change, learningRate)), m, v }
      })
      for (const { w, m, v } of parts) for (const x of [w, m, v]) tf.keep(x)
      return { parts, loss: value.dataSync()[0] }
    })
    for (const old of [...current, ...moments.flat()]) old.dispose()
    current = next.parts.map(({ w }) => w)
    moments = next.parts.map(({ m, v }) => [m, v])
    return next.loss
  }

  return {
    run: timedUpdates(update),
    dispose() {
      for (const x of [...current, ...moments.flat(), mask]) x.dispose()
    },
  }
}
