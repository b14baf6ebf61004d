/** A model that learns pieces of one sense, each with its name in letters behind it. */
import {
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  type GradientTransform,
  muon,
  type Schedule,
  warmUpCosine,
} from '@burgeon/autograd/optim'
import { joinBatches, Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Codec, sense, senseRequest } from '@burgeon/senses'
import { type Device, keyFromSeed, type Parameter, RandomStream, scope } from '@burgeon/tensor'

/** Pieces in order, with their names. */
export interface NamedPieces<Piece> {
  readonly count: number
  at(i: number): { readonly piece: Piece; readonly name: string }
}

/** How a life learns. */
export interface NamingOptions {
  readonly seed: number
  /** Places of a row: the token of the sense, its patches, the letters of a name. */
  readonly context: number
  /** Pieces of a step. */
  readonly rows: number
  /** How often each piece is seen, in a new order each time. */
  readonly passes: number
  readonly rate: number
  /** Rate of the matrices, which then learn by `muon`; they learn as all else unless given. */
  readonly matrixRate?: number
  /** What a patch weighs beside a letter. */
  readonly patchWeight: number
  readonly device: Device
  readonly note: (line: string) => void
}

/** What a life has come to. Plain data. */
export interface Naming {
  readonly parameters: number
  /** Share of test pieces of which every letter, and the end of the name, was the likeliest. */
  readonly named: number
  /** Of the bytes of test pieces, without their names. */
  readonly bitsPerByte: number
}

/** Where a name stands: behind the piece, which is then named, or before it, which is then drawn. */
type NamePlace = 'behind' | 'before'

/** Learns pieces with their names, and is then asked for the names of others. */
export async function learnNames<Piece>(
  codec: Codec<Piece, unknown>,
  train: NamedPieces<Piece>,
  test: NamedPieces<Piece>,
  options: NamingOptions,
): Promise<Naming> {
  const model = await learnPieces(codec, train, 'behind', options)
  let [right, bits, bytes] = [0, 0, 0]
  for (let first = 0; first < test.count; first += options.rows) {
    const places = Array.from({ length: Math.min(options.rows, test.count - first) }, (_, i) => first + i)
    const ends = places.map((i) => test.at(i).name.length + 1)
    const asked = askNames(model, batchOf(model, codec, test, places, 'behind', options), ends)
    right += asked.right
    bits += asked.bits
    bytes += asked.bytes
  }
  const { size } = model.parameters
  model.dispose()
  return { parameters: size, named: right / test.count, bitsPerByte: bits / bytes }
}

/** What is looked up by a token, a place or a byte, or tells bytes apart: no map of a layer. */
const isTable = (path: string): boolean => /(^|\.)embed\.(?!patch\.weight)|head|mixing/.test(path)

/** Matrices of layers learn by `muon` (Jordan et al. 2024), all else by another optimizer. */
function matricesBy(
  { parameters }: Gpt,
  learningRate: Schedule,
  others: GradientTransform,
): GradientTransform {
  const isMatrix = ({ path, tensor }: Parameter): boolean => tensor.shape.length > 1 && !isTable(path)
  const matrices = new Set([...parameters].filter(isMatrix).map(({ path }) => path))
  return byPath((path) => (matrices.has(path) ? 'matrices' : 'others'), {
    ...{ matrices: muon({ learningRate, weightDecay: 0.01 }), others },
  })
}

/** A model that has learnt pieces. */
export async function learnPieces<Piece>(
  codec: Codec<Piece, unknown>,
  train: NamedPieces<Piece>,
  place: NamePlace,
  options: NamingOptions,
): Promise<Gpt> {
  const { seed, context, rows, passes, rate, matrixRate, device, note } = options
  const model = Gpt.create({ context, embed: 128, heads: 4, layers: 3 }, { seed, device })
  const request = senseRequest(codec, train.at(0).piece, place === 'before' ? { share: 0.01 } : {})
  await grow(model, request, { mirrors: [], key: [seed, 1] })
  const [perPass, random] = [
    Math.floor(train.count / rows),
    new RandomStream(keyFromSeed(seed)).named('order'),
  ]
  const total = passes * perPass
  const rising = (peak: number): Schedule =>
    warmUpCosine({ peak, warmup: Math.ceil(total / 20), total, final: peak / 50 })
  // Of 800 predictions five weigh much: gradients are far smaller than where each counts.
  const each = adamw({ learningRate: rising(rate), weightDecay: 0.01, epsilon: 1e-12 })
  const update = matrixRate === undefined ? each : matricesBy(model, rising(matrixRate), each)
  const learner = new Learner({ model, seed, optimizer: chain(clipByGlobalNorm(1), update) })
  let step = 0
  for (let pass = 0; pass < passes; pass++) {
    const order = Array.from({ length: train.count }, (_, i) => i)
    if (passes > 1) random.shuffle(order)
    for (let first = 0; first + rows <= train.count; first += rows) {
      const batch = batchOf(model, codec, train, order.slice(first, first + rows), place, options)
      const { loss } = await learner.observe(batch)
      if (++step % 50 === 0) note(`step ${step} of ${total}: ${loss.toFixed(3)} nats a byte`)
    }
  }
  return model
}

function batchOf<Piece>(
  { config }: Gpt,
  codec: Codec<Piece, unknown>,
  pieces: NamedPieces<Piece>,
  places: readonly number[],
  namePlace: NamePlace,
  { patchWeight }: NamingOptions,
): TokenBatch {
  return joinBatches(
    places.map((i): TokenBatch => {
      const { piece, name } = pieces.at(i)
      const named = namePlace === 'behind' ? { text: `${name}\n` } : { before: `${name}\n` }
      return sense(config, codec, piece, { ...named, patchWeight })
    }),
  )
}

/**
 * How many names are right, letter by letter, and the bits of all bytes before them.
 *
 * @param ends Letters of each name, its end included.
 */
function askNames(
  model: Gpt,
  { rows, length, tokens }: TokenBatch,
  ends: readonly number[],
): { right: number; bits: number; bytes: number } {
  const { device, config } = model
  const inputs = Int32Array.from({ length: rows * length }, (_, i) =>
    Math.max(0, tokens[Math.floor(i / length) * (length + 1) + (i % length)]),
  )
  const logits = scope(() =>
    model.forward(device.tensor(inputs, { shape: [rows, length], dtype: 'i32' })).readSync(),
  )
  const V = config.vocabulary
  let [right, bits, bytes] = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    const own = tokens.subarray(row * (length + 1), (row + 1) * (length + 1)).filter((token) => token >= 0)
    let isRight = true
    for (let i = 1; i < own.length; i++) {
      const read = readAt(logits, (row * length + i - 1) * V, V, own[i])
      if (i >= own.length - ends[row]) isRight &&= read.likeliest === own[i]
      else if (own[i] < 256) [bits, bytes] = [bits + read.bits, bytes + 1]
    }
    if (isRight) right++
  }
  return { right, bits, bytes }
}

/** The likeliest token by V logits, and the bits of another. */
function readAt(
  logits: ArrayLike<number>,
  from: number,
  V: number,
  target: number,
): { likeliest: number; bits: number } {
  let likeliest = 0
  for (let v = 1; v < V; v++) if (logits[from + v] > logits[from + likeliest]) likeliest = v
  const largest = logits[from + likeliest]
  let sum = 0
  for (let v = 0; v < V; v++) sum += Math.exp(logits[from + v] - largest)
  return { likeliest, bits: (Math.log(sum) + largest - logits[from + target]) / Math.LN2 }
}
