/**
 * `npm run bench -- senses --data DIR [--seeds N] [--quick]`: senses that are not text, learnt as bytes.
 *
 * Digits of MNIST, each with its name in letters behind it, seen once: how many of those that were never seen are
 * named right, and how many bits a pixel costs, beside counted neighborhoods. The same with all pixels in one
 * other order must name fewer: places are used.
 */
import { join } from 'node:path'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, mean } from '../benchmark.ts'
import { mnistFiles, mnistFolder, readIdx } from '../training/idx-files.ts'
import { type Digits, nameDigits, type Naming } from './named-digits.ts'
import { NeighborhoodModel } from './neighborhood-model.ts'

function digitsOf(folder: string, set: keyof typeof mnistFiles, from: number, count: number): Digits {
  const { bytes } = readIdx(join(folder, mnistFiles[set].images))
  const labels = readIdx(join(folder, mnistFiles[set].labels)).bytes
  return {
    images: bytes.subarray(from * 784, (from + count) * 784),
    labels: labels.subarray(from, from + count),
  }
}

/** Bits per pixel of test pictures, by neighborhoods counted in the others. */
function countedBits(train: Digits, test: Digits, weight: number): number {
  const model = new NeighborhoodModel(weight)
  const bitsOf = ({ images }: Digits, counts: boolean): number => {
    let bits = 0
    for (let at = 0; at < images.length; at += 784)
      bits += model.bits(images.subarray(at, at + 784), 28, counts)
    return bits / images.length
  }
  bitsOf(train, true)
  return bitsOf(test, false)
}

export const senses: Benchmark = async ({ data, seeds, quick, tuning, note, once }) => {
  const folder = mnistFolder('senses', data)
  const train = digitsOf(folder, 'train', 0, quick ? 2000 : 40_000)
  // Settings are chosen by pictures that nothing is reported of.
  const test = tuning
    ? digitsOf(folder, 'train', 58_000, 2000)
    : digitsOf(folder, 'test', 0, quick ? 500 : 10_000)
  const counted = Math.min(...[1, 4, 16].map((weight) => countedBits(train, test, weight)))
  const device = openWasm()
  const life = async (name: string, seed: number, order?: readonly number[]): Promise<Naming> => {
    const options = { seed, rows: 16, rate: 2e-3, patchWeight: 1, device, note }
    const found = await once(`${name}, seed ${seed}`, () => nameDigits(train, test, options, order))
    note(
      `${name}, seed ${seed}: ${(100 * found.named).toFixed(2)} % named, ${found.bitsPerByte.toFixed(4)} bits a pixel`,
    )
    return found
  }
  const [plain, permuted]: Naming[][] = [[], []]
  for (let seed = tuning ? 11 : 1; plain.length < (quick || tuning ? 1 : seeds); seed++) {
    plain.push(await life('digits', seed))
    const order = new RandomStream(keyFromSeed(seed))
      .named('pixels')
      .shuffle(Array.from({ length: 784 }, (_, i) => i))
    permuted.push(await life('digits, pixels in another order', seed, order))
  }
  const percent = (lives: readonly Naming[]): number[] => lives.map(({ named }) => 100 * named)
  const bits = (lives: readonly Naming[]): number[] => lives.map(({ bitsPerByte }) => bitsPerByte)
  const row = (name: string, metric: string, unit: string, values: readonly number[]) => ({
    ...{ case: name, metric, unit, value: mean(values), values },
  })
  return {
    rows: [
      row('digits', 'named right', '%', percent(plain)),
      {
        ...row('digits', 'bits per pixel', 'bits', bits(plain)),
        peer: 'counted neighborhoods',
        peerValue: counted,
        ratio: counted / mean(bits(plain)),
      },
      row('pixels in another order', 'named right', '%', percent(permuted)),
      row('pixels in another order', 'bits per pixel', 'bits', bits(permuted)),
    ],
    checks: [
      atLeast('digits named right after one pass, per cent', mean(percent(plain)), 92),
      atMost('bits per pixel beside counted neighborhoods', mean(bits(plain)) / counted, 0.75),
      atLeast(
        'what another order of pixels costs, in per cent named',
        mean(percent(plain)) - mean(percent(permuted)),
        1,
      ),
      atMost('parameters', plain[0].parameters, 1_000_000),
    ],
  }
}
