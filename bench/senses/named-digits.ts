/** A model that sees digits once, each with its name in letters behind it. */
import { adamw, chain, clipByGlobalNorm, warmUpCosine } from '@burgeon/autograd/optim'
import { joinBatches, Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { grey, type Raster, sense, senseRequest } from '@burgeon/senses'
import { type Device, scope } from '@burgeon/tensor'

const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const side = 28
const pixels = side * side

/** Pictures, 784 bytes each, and which digits they are. */
export interface Digits {
  readonly images: Uint8Array
  readonly labels: Uint8Array
}

/** How a life learns. */
export interface NamingOptions {
  readonly seed: number
  /** Pictures of a step. */
  readonly rows: number
  readonly rate: number
  /** What a patch weighs beside a letter. */
  readonly patchWeight: number
  readonly device: Device
  readonly note: (line: string) => void
}

/** What a life has come to. */
export interface Naming {
  readonly parameters: number
  /** Share of test pictures of which every letter, and the end of the name, was the likeliest. */
  readonly named: number
  /** Of the pixels of test pictures. */
  readonly bitsPerByte: number
  /** Of the last tenth of what was seen, pixels and letters, each before it was learnt. */
  readonly prequentialBits: number
}

/** The picture at place i, its pixels in another order where one is given. */
function pictureAt({ images }: Digits, i: number, order?: readonly number[]): Raster {
  const own = images.subarray(i * pixels, (i + 1) * pixels)
  const ordered = order === undefined ? own : Uint8Array.from(order, (from) => own[from])
  return { width: side, height: side, pixels: ordered }
}

/** Sees pictures in order, once each, and is then asked for the names of others. */
export async function nameDigits(
  train: Digits,
  test: Digits,
  options: NamingOptions,
  order?: readonly number[],
): Promise<Naming> {
  const { seed, rows, rate, patchWeight, device, note } = options
  const model = Gpt.create({ context: 64, embed: 128, heads: 4, layers: 3 }, { seed, device })
  await grow(model, senseRequest(grey, pictureAt(train, 0)), { mirrors: [], key: [seed, 1] })
  const steps = Math.floor(train.labels.length / rows)
  const learner = new Learner({
    ...{ model, seed },
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({
        learningRate: warmUpCosine({
          peak: rate,
          warmup: Math.ceil(steps / 20),
          total: steps,
          final: rate / 50,
        }),
        weightDecay: 0.01,
      }),
    ),
  })
  const batchOf = (digits: Digits, first: number): TokenBatch =>
    joinBatches(
      Array.from({ length: Math.min(rows, digits.labels.length - first) }, (_, i): TokenBatch => {
        const text = `${names[digits.labels[first + i]]}\n`
        return sense(model.config, grey, pictureAt(digits, first + i, order), { text, patchWeight })
      }),
    )
  let [nats, seen] = [0, 0]
  for (let step = 0; step < steps; step++) {
    const batch = batchOf(train, step * rows)
    const { loss } = await learner.observe(batch)
    if (step >= 0.9 * steps) [nats, seen] = [nats + loss, seen + 1]
    if (step % 50 === 49) note(`step ${step + 1} of ${steps}: ${loss.toFixed(3)} nats a byte`)
  }
  let [right, testBits] = [0, 0]
  for (let first = 0; first < test.labels.length; first += rows) {
    const { correct, pixelBits } = asked(model, batchOf(test, first))
    right += correct
    testBits += pixelBits
  }
  const result = {
    parameters: [...model.parameters].reduce((sum, { tensor }) => sum + tensor.size, 0),
    named: right / test.labels.length,
    bitsPerByte: testBits / (test.labels.length * pixels),
    prequentialBits: nats / seen / Math.LN2,
  }
  model.dispose()
  return result
}

/** How many names are right, letter by letter, and the bits of all pixels. */
function asked(model: Gpt, { rows, length, tokens }: TokenBatch): { correct: number; pixelBits: number } {
  const { device, config } = model
  const inputs = Int32Array.from({ length: rows * length }, (_, i) =>
    Math.max(0, tokens[Math.floor(i / length) * (length + 1) + (i % length)]),
  )
  const logits = scope(() =>
    model.forward(device.tensor(inputs, { shape: [rows, length], dtype: 'i32' })).readSync(),
  )
  const V = config.vocabulary
  let [correct, pixelBits] = [0, 0]
  for (let row = 0; row < rows; row++) {
    let isRight = true
    for (let i = 0; i < length; i++) {
      const target = tokens[row * (length + 1) + i + 1]
      if (target < 0) break
      const { likeliest, bits } = readAt(logits, (row * length + i) * V, V, target)
      if (i >= pixels) isRight &&= likeliest === target
      else pixelBits += bits
    }
    if (isRight) correct++
  }
  return { correct, pixelBits }
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
