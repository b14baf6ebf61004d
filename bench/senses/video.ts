/**
 * `npm run bench -- video --data DIR [--seeds N] [--quick] [--tuning] [--lives FILE]`: moving pictures, learnt as bytes.
 *
 * Films of twelve pictures of 16×16 pixels, in which a digit of MNIST in four shades moves aslant, a pixel a picture,
 * and turns back at the edges: 8,000 digits of the training set, seen once each, and then what films of digits that
 * were never seen cost, in bits a pixel, from the third picture on, when it is known which way they move. Beside it
 * what they cost by counted copies: p(x | the same pixel a picture before), counted in the same films, so that what the
 * last picture leaves open is paid as often as it comes; and by counts that know the pixels to the left and above, too.
 *
 * Time is what is used: the same model is asked for films whose pictures are in an order of their own, beside copies
 * that were counted in such films. Another one learns such films; what it has of other pictures is the digit, and not
 * where it goes, so it has to pay more than the one that learnt them in order.
 *
 * Settings were chosen on seed 11 and by films of digits from 58,000 on of the training set. Of 256 shades, 4,000 films
 * and eight directions a model of this size learnt next to nothing about time there.
 */
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean } from '../benchmark.ts'
import { mnistFolder } from '../training/idx-files.ts'
import { type FilmLife, type FilmOptions, learnFilms } from './film-life.ts'
import { type Films, movingDigits, pictures, side } from './moving-digits.ts'
import { leftAndAbove, type Neighborhood, NeighborhoodModel } from './neighborhood-model.ts'

const settings: Omit<FilmOptions, 'seed' | 'device' | 'note'> = { rows: 1, rate: 1.5e-3 }

/** The first picture whose bits count: two before it say which way a digit moves. */
const first = 2

const picture = side ** 2

const last = (pixels: Uint8Array, i: number): number => (i < picture ? 0 : pixels[i - picture])

/** The same pixel a picture before. */
const copied: Neighborhood = (pixels, i) => [last(pixels, i)]

/** That with the one to its left, and with the one above, too, by their first four bits. */
const copiedBeside: Neighborhood = (pixels, i) => {
  const within = pixels.subarray(i - (i % picture))
  const [left, both] = leftAndAbove(side)(within, i % picture)
  const high = (value: number): number => value >> 4
  const before = last(pixels, i)
  return [before, 256 * before + left, 256 * high(before) + 16 * high(left) + high(both & 255)]
}

/** Bits of a pixel from the third picture on, by what was counted in other films; of the weight that does best. */
function countedBits(around: Neighborhood, train: Films, asked: Films): number {
  const all = [0.25, 1, 4, 16].map((weight) => {
    const model = new NeighborhoodModel(weight, around)
    for (let i = 0; i < train.count; i++) model.bits(train.at(i).pixels, true)
    let bits = 0
    for (let i = 0; i < asked.count; i++) bits += model.bits(asked.at(i).pixels, false, first * picture)
    return bits / (asked.count * (pictures - first) * picture)
  })
  return Math.min(...all)
}

/** What one seed has come to. Plain data. */
interface Outcome {
  readonly parameters: number
  /** Bits of a pixel from the third picture on. */
  readonly learnt: number
  readonly copied: number
  readonly beside: number
  /** Of the model that learnt films in order, asked for pictures in another. */
  readonly astray: number
}

const fromFirst = ({ bits }: FilmLife, kind: number): number => mean(bits[kind].slice(first))

export const video: Benchmark = async ({ data, seeds, quick, tuning, note, once }) => {
  const folder = mnistFolder('video', data)
  const device = openWasm()
  const [seen, unseen] = quick ? [200, 20] : [8000, 400]
  const outcomes = { inOrder: new Array<Outcome>(), shuffled: new Array<Outcome>() }
  const began = tuning ? 11 : 1
  for (let seed = began; seed < began + (quick || tuning ? 1 : seeds); seed++) {
    for (const kind of ['inOrder', 'shuffled'] as const) {
      const films = (isShuffled: boolean) => ({
        train: movingDigits(folder, 'train', 0, seen, { seed, isShuffled }),
        asked: tuning
          ? movingDigits(folder, 'train', 58_000, unseen, { seed, isShuffled })
          : movingDigits(folder, 'test', 0, unseen, { seed, isShuffled }),
      })
      const [own, other] = [kind === 'shuffled', kind !== 'shuffled'].map(films)
      const outcome = await once(`${kind}, seed ${seed}`, async (): Promise<Outcome> => {
        const life = await learnFilms(own.train, [own.asked, other.asked], {
          ...{ ...settings, seed, device, note },
        })
        return {
          parameters: life.parameters,
          learnt: fromFirst(life, 0),
          astray: fromFirst(life, 1),
          copied: countedBits(copied, own.train, own.asked),
          beside: countedBits(copiedBeside, own.train, own.asked),
        }
      })
      note(
        `${kind}, seed ${seed}: ${outcome.learnt.toFixed(4)} bits a pixel, copied ${outcome.copied.toFixed(4)}, beside ${outcome.beside.toFixed(4)}, astray ${outcome.astray.toFixed(4)}`,
      )
      outcomes[kind].push(outcome)
    }
  }
  const { inOrder, shuffled } = outcomes
  const of = (lives: readonly Outcome[], which: keyof Outcome): number[] => lives.map((life) => life[which])
  const row = (name: string, values: readonly number[], peers: readonly number[]): BenchmarkRow => ({
    ...{ case: name, metric: 'bits per pixel', unit: 'bits', value: mean(values), values },
    ...{ peer: 'counted copies', peerValue: mean(peers), ratio: mean(peers) / mean(values) },
  })
  const rowsOf = (name: string, lives: readonly Outcome[]): BenchmarkRow[] => [
    row(name, of(lives, 'learnt'), of(lives, 'copied')),
    row(`${name}, counted with those beside`, of(lives, 'beside'), of(lives, 'copied')),
  ]
  const besides = (peer: 'copied' | 'beside', lives: readonly Outcome[]): number =>
    mean(of(lives, 'learnt')) / mean(of(lives, peer))
  return {
    rows: [
      ...rowsOf('films', inOrder),
      row('films, asked in another order', of(inOrder, 'astray'), of(shuffled, 'copied')),
      ...rowsOf('shuffled films', shuffled),
    ],
    checks: [
      atMost('bits per pixel beside counted copies', besides('copied', inOrder), 0.8),
      atMost('bits per pixel beside counts that know left and above', besides('beside', inOrder), 0.8),
      atLeast(
        'asked in another order, bits per pixel beside counted copies of such',
        mean(of(inOrder, 'astray')) / mean(of(shuffled, 'copied')),
        0.8,
      ),
      atLeast(
        'learnt in another order, bits per pixel beside films in order',
        mean(of(shuffled, 'learnt')) / mean(of(inOrder, 'learnt')),
        1.5,
      ),
      atMost('parameters', Math.max(...of(inOrder, 'parameters')), 1_000_000),
    ],
  }
}
