/**
 * The slowly changing regression of Dohare et al. 2024 ("Loss of plasticity in deep continual learning"): what
 * is to be predicted stays one function, and what is read of it changes every so many samples.
 */
import type { ExampleBatch } from 'burgeon/continual'
import { keyFromSeed, RandomStream } from 'burgeon/tensor'

/** Bits of an input: those drawn together for a stretch of samples, and those drawn for each. */
export const slowBits = 15
export const fastBits = 5
const bits = slowBits + fastBits
/** Threshold units of the function to be learnt. */
const thresholdUnits = 100
/** Share of the inputs of a unit that have to agree with its weights. */
const agreement = 0.7

/** Samples, one in each batch; the same for the same seed. */
export function* slowRegression(seed: number, stretch: number): Generator<ExampleBatch, never> {
  const random = new RandomStream(keyFromSeed(seed))
  const target = targetOf(random.named('target'))
  const [slow, fast] = [random.named('slow'), random.named('fast')]
  const input = new Float32Array(bits)
  const coin = (stream: RandomStream): number => (stream.uniform() < 0.5 ? 0 : 1)
  for (let sample = 0; ; sample++) {
    if (sample % stretch === 0) for (let i = 0; i < slowBits; i++) input[i] = coin(slow)
    for (let i = slowBits; i < bits; i++) input[i] = coin(fast)
    yield { rows: 1, inputs: input.slice(), targets: Float32Array.of(target(input)), domains: ['bits'] }
  }
}

/**
 * A network of threshold units, all of whose weights and biases are 1 or −1. A unit is 1 where Σ w·x + b >
 * 0.7·(n + 1) − S, with S = (n − Σ w + b)/2, as in the authors' program, and 0 elsewhere.
 */
function targetOf(random: RandomStream): (input: Float32Array) => number {
  const sign = (): number => (random.uniform() < 0.5 ? -1 : 1)
  const units = Array.from({ length: thresholdUnits }, () => {
    const [weights, bias, writes] = [Array.from({ length: bits }, sign), sign(), sign()]
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return { weights, writes, above: agreement * (bits + 1) - (bits - total + bias) / 2 - bias }
  })
  const bias = sign()
  return (input) =>
    units.reduce((sum, { weights, writes, above }) => {
      let read = 0
      for (let i = 0; i < bits; i++) read += weights[i] * input[i]
      return read > above ? sum + writes : sum
    }, bias)
}
