/** A model that learns films, and is then asked how well it knows others picture by picture. */
import { adamw, chain, clipByGlobalNorm, warmUpCosine } from '@burgeon/autograd/optim'
import { joinBatches, Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { frames, sense, senseRequest } from '@burgeon/senses'
import type { Device } from '@burgeon/tensor'
import { type Films, pictures, side } from './moving-digits.ts'
import { lossesOf } from './row-losses.ts'

/** How a life learns. */
export interface FilmOptions {
  readonly seed: number
  /** Films of a step. */
  readonly rows: number
  readonly rate: number
  readonly device: Device
  readonly note: (line: string) => void
}

/** What a life has come to. Plain data. */
export interface FilmLife {
  readonly parameters: number
  /** Bits of a pixel of each picture of a film, over the films of each kind that is asked for. */
  readonly bits: readonly (readonly number[])[]
}

/** Sees each film once, and then tells the bits of films of several kinds. */
export async function learnFilms(
  train: Films,
  asked: readonly Films[],
  options: FilmOptions,
): Promise<FilmLife> {
  const { seed, rows, rate, device, note } = options
  const context = 2 + pictures * (side / 4) ** 2
  const model = Gpt.create({ context, embed: 128, heads: 4, layers: 3 }, { seed, device })
  await grow(model, senseRequest(frames, train.at(0)), { mirrors: [], key: [seed, 1] })
  const total = Math.floor(train.count / rows)
  const learningRate = warmUpCosine({ peak: rate, warmup: Math.ceil(total / 20), total, final: rate / 50 })
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate, weightDecay: 0.01, epsilon: 1e-12 }))
  const learner = new Learner({ model, seed, optimizer })
  const rowOf = (films: Films, i: number): TokenBatch => sense(model.config, frames, films.at(i))
  for (let step = 0; step < total; step++) {
    const batch = joinBatches(Array.from({ length: rows }, (_, i) => rowOf(train, step * rows + i)))
    const { loss } = await learner.observe(batch)
    if ((step + 1) % 50 === 0) note(`step ${step + 1} of ${total}: ${loss.toFixed(3)} nats a byte`)
  }
  const bits = asked.map((films) => bitsOf(model, films, rowOf))
  const { size } = model.parameters
  model.dispose()
  return { parameters: size, bits }
}

/** Bits of a pixel of each picture, the mean over films. */
function bitsOf(model: Gpt, films: Films, rowOf: (films: Films, i: number) => TokenBatch): number[] {
  const sums = new Array<number>(pictures).fill(0)
  const each = side ** 2
  for (let i = 0; i < films.count; i++) {
    const losses = lossesOf(model, rowOf(films, i))
    losses.forEach((nats, at) => (sums[Math.floor(at / each)] += nats))
  }
  return sums.map((sum) => sum / (Math.LN2 * each * films.count))
}
