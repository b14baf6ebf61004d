/** Models of the same bits whose rounding or scales say nothing: what a method must be better than. */
import { Gpt, QuantizedGpt } from '@burgeon/gpt'
import { keyFromSeed, makeOwned, RandomStream, reshape, type Tensor } from '@burgeon/tensor'

const group = 32
/** Weights of linear maps, and whether a row of theirs runs along the first axes. */
const aMap = /^blocks\..*\.(query|key|value|gate|up|output|down)\.weight$/

/**
 * The model with noise of up to half a step of int4 on each weight: afterwards rounding to the nearest is
 * rounding up or down by chance.
 */
export async function withRandomRounding(model: Gpt, seed: number): Promise<Gpt> {
  const random = new RandomStream(keyFromSeed(seed))
  const state = await model.toState()
  const { embed } = model.config
  const weights = Object.fromEntries(
    Object.entries(state.weights).map(([path, plain]) => {
      if (!aMap.test(path)) return [path, plain]
      const data = Float32Array.from(plain.data)
      // Rows of the map are columns here: `[K, M]`.
      const K = /\.(output|down)\.weight$/.test(path) ? data.length / embed : embed
      const M = data.length / K
      for (let m = 0; m < M; m++) {
        for (let first = 0; first < K; first += group) {
          const places = Array.from({ length: Math.min(group, K - first) }, (_, i) => (first + i) * M + m)
          const values = places.map((at) => data[at])
          const step = (Math.max(...values) - Math.min(...values)) / 15
          for (const at of places) data[at] += step * (random.uniform() - 0.5)
        }
      }
      return [path, { ...plain, data }]
    }),
  )
  return Gpt.fromState({ ...state, weights }, model.device)
}

/** A packed model, int4 in groups of 32, whose scales have changed places within each row. */
export async function withRandomScales(small: QuantizedGpt, seed: number): Promise<QuantizedGpt> {
  const random = new RandomStream(keyFromSeed(seed))
  const { embed } = small.config
  const tensors: Record<string, Tensor> = {}
  for (const [path, tensor] of Object.entries(small.parameters.tensors())) {
    if (!aMap.test(path)) {
      tensors[path] = makeOwned(() => reshape(tensor, tensor.shape))
      continue
    }
    const words = Int32Array.from(await tensor.read())
    const [rows, stride] = tensor.shape
    // Five words for each 32 numbers: the first ones of a row are its scales.
    const groups = /\.(output|down)\.weight$/.test(path) ? stride / 5 : Math.ceil(embed / group)
    for (let row = 0; row < rows; row++) {
      for (let i = groups - 1; i > 0; i--) {
        const [a, b] = [row * stride + i, row * stride + random.below(i + 1)]
        const kept = words[a]
        words[a] = words[b]
        words[b] = kept
      }
    }
    tensors[path] = makeOwned(() => small.device.tensor(words, { shape: tensor.shape, dtype: 'i32' }, path))
  }
  return new QuantizedGpt(small.config, small.device, { tensors, size: small.parameters.size })
}
