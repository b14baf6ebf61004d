/**
 * `npm run bench -- adapters --data DIR [--model FOLDER] [--seeds N]`: how much of what full tuning gains on new
 * text a low-rank adapter gains. A small model learns Shakespeare, then English of another kind; or a pretrained
 * one takes the place of the first step. Rates are chosen on seed 1, for each method alike, and reported on the
 * others.
 */
import type { GradientTransform } from '@burgeon/autograd/optim'
import { fineTune, Learner } from '@burgeon/continual'
import { type AdapterTarget, Gpt, type GptState, LoraAdapter, type LoraOptions } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean } from '../benchmark.ts'
import {
  type Base,
  bitsOf,
  born,
  learn,
  opened,
  optimizerOf,
  readText,
  shuffledBytes,
  type Text,
} from './tuning-course.ts'

const device = openWasm()

/** A way of learning the new text; a rate makes the learner. */
interface Method {
  readonly name: string
  learner(model: Gpt, optimizer: GradientTransform, seed: number): Learner
  readonly isShuffled?: true
}

const tuned = (name: string, adapter: LoraOptions, isShuffled?: true): Method => ({
  name,
  learner: (model, optimizer, seed) => fineTune(model, { adapter, optimizer, seed }),
  ...(isShuffled && { isShuffled }),
})

const plain = ['query', 'key', 'value', 'output', 'up', 'down'] as const

/** The methods of a model; those with an adapter all have as many learnt numbers, nearly. */
function methodsOf({ state }: Base): readonly Method[] {
  const rank = 16
  const model = Gpt.fromState(state, device)
  const numbersOf = (targets: readonly AdapterTarget[]): number => {
    const adapter = LoraAdapter.create(model, { rank: 1, targets })
    const { size } = adapter.parameters
    adapter.dispose()
    return size
  }
  const targets: readonly AdapterTarget[] = model.config.activation === 'swiglu' ? [...plain, 'gate'] : plain
  const scores = ['query', 'key'] as const
  const inScores = Math.round((rank * numbersOf(targets)) / numbersOf(scores))
  model.dispose()
  const everywhere = { rank, alpha: 2 * rank, targets }
  return [
    {
      name: full,
      learner: (model, optimizer) => new Learner({ model, optimizer }),
    },
    tuned(lora, everywhere),
    tuned(elsewhere, { rank: inScores, alpha: 2 * inScores, targets: scores }),
    tuned(shuffled, everywhere, true),
  ]
}

const [full, lora] = ['all weights', 'an adapter beside every map']
const [elsewhere, shuffled] = [
  'as many numbers beside queries and keys',
  'an adapter, the bytes of the text shuffled',
]
const random = 'random numbers of the size of the adapter'

interface Outcome {
  /** Bits per byte of the new text, held out, before less after. */
  readonly gain: number
  /** Rise of the loss on old text, held out: with an adapter while it is there. */
  readonly forgotten: number
  readonly numbers: number
  /** Bytes of the model that differ from before. */
  readonly changed: number
  /** Gain of random numbers in the adapter's place. */
  readonly random?: number
}

export const adapters: Benchmark = async ({ data, model: folder, quick, seeds, note }) => {
  const [old, fresh] = ['tinyshakespeare.txt', 'genesis-english-web.txt'].map((name) => readText(data, name))
  const steps = quick ? { born: 60, tuned: 40 } : { born: 1200, tuned: 600 }
  const rates = quick ? [4e-3, 1.6e-2] : [2e-3, 4e-3, 8e-3, 1.6e-2]
  const chosen = new Map<string, number>()
  const outcomes = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : Math.max(2, seeds)); seed++) {
    const base =
      folder === undefined ? await born(old, steps.born, seed, device) : await opened(folder, device)
    const bases = { old: await bitsOf(base, old), fresh: await bitsOf(base, fresh) }
    note(`seed ${seed}: ${bases.fresh.toFixed(4)} bits per byte of the new text before`)
    for (const method of methodsOf(base)) {
      // A text that says nothing has the rate of the one that does.
      const usual = method.name === shuffled ? chosen.get(lora) : chosen.get(method.name)
      const tried = usual === undefined ? rates : [usual]
      let best: Outcome | undefined
      for (const rate of tried) {
        const outcome = await tune(base, method, { old, fresh, bases, rate, steps: steps.tuned, seed })
        note(`seed ${seed}, ${method.name}, rate ${rate}: gains ${outcome.gain.toFixed(4)}`)
        if (best !== undefined && outcome.gain <= best.gain) continue
        best = outcome
        if (seed === 1) chosen.set(method.name, rate)
      }
      if (best && (quick || seed > 1)) outcomes.set(method.name, [...(outcomes.get(method.name) ?? []), best])
    }
  }
  const kept = rowsOf(outcomes, chosen, folder === undefined)
  return { rows: kept, checks: quick ? [] : checksOf(outcomes) }
}

interface Course {
  readonly old: Text
  readonly fresh: Text
  /** Bits per byte before. */
  readonly bases: { readonly old: number; readonly fresh: number }
  readonly rate: number
  readonly steps: number
  readonly seed: number
}

async function tune(base: Base, method: Method, course: Course): Promise<Outcome> {
  const { old, fresh, bases, rate, steps, seed } = course
  const model = Gpt.fromState(base.state, device)
  const learner = method.learner(model, optimizerOf(rate, steps), seed)
  const text = method.isShuffled ? shuffledBytes(fresh.learnt, seed) : fresh.learnt
  await learn(learner, base.tokenizer.encodeBytes(text), steps, seed + 100)
  const { adapter } = learner
  const after = {
    old: await bitsOf(base, old, model, adapter),
    fresh: await bitsOf(base, fresh, model, adapter),
  }
  const isAdapted = adapter !== undefined && method.name === lora
  const outcome = {
    gain: bases.fresh - after.fresh,
    forgotten: after.old - bases.old,
    numbers: (adapter ?? model).parameters.size,
    changed: await changedBytes(base.state, model),
    ...(isAdapted && {
      random: bases.fresh - (await bitsOf(base, fresh, model, await noiseLike(adapter, model, seed))),
    }),
  }
  learner.dispose()
  adapter?.dispose()
  model.dispose()
  return outcome
}

/** An adapter of random numbers, each tensor as large as that of another in the root of the mean square. */
async function noiseLike(adapter: LoraAdapter, model: Gpt, seed: number): Promise<LoraAdapter> {
  const draw = new RandomStream(keyFromSeed(seed)).named('noise')
  const { config, weights } = await adapter.toState()
  const noise = Object.entries(weights).map(([path, { shape, data }]) => {
    const size = Math.sqrt(mean(Array.from(data, (x) => x * x)))
    return [path, { shape, data: Float32Array.from(data, () => size * draw.normal()) }] as const
  })
  return LoraAdapter.fromState({ config, weights: Object.fromEntries(noise) }, model)
}

async function changedBytes({ weights }: GptState, model: Gpt): Promise<number> {
  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength)
  const present = await model.toState()
  return Object.entries(weights).reduce((total, [path, { data }]) => {
    const [before, after] = [data, present.weights[path].data].map(bytesOf)
    return total + before.reduce((n, byte, i) => n + (byte === after[i] ? 0 : 1), 0)
  }, 0)
}

function rowsOf(
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
  chosen: ReadonlyMap<string, number>,
  // A pretrained model has learnt neither text.
  hasLearntOld: boolean,
): BenchmarkRow[] {
  const gains = (name: string): number[] => (outcomes.get(name) ?? []).map(({ gain }) => gain)
  return [...outcomes].flatMap(([name, all]): BenchmarkRow[] => {
    const row = (metric: string, unit: string, of: (outcome: Outcome) => number): BenchmarkRow => {
      const values = all.map(of)
      return { case: name, metric, value: mean(values), values, unit }
    }
    return [
      {
        ...row('gain on new text, held out', 'bits per byte', ({ gain }) => gain),
        ...(name !== full && {
          peer: full,
          peerValue: mean(gains(full)),
          ratio: mean(gains(name)) / mean(gains(full)),
        }),
      },
      ...(hasLearntOld
        ? [row('old text, after less before', 'bits per byte', ({ forgotten }) => forgotten)]
        : []),
      row('learnt numbers', '', ({ numbers }) => numbers),
      row('bytes of the model changed', '', ({ changed }) => changed),
      { case: name, metric: 'rate, chosen on seed 1', value: chosen.get(name) ?? NaN, unit: '' },
      ...(name === lora
        ? [{ ...row('gain', 'bits per byte', (own) => own.random ?? NaN), case: random }]
        : []),
    ]
  })
}

function checksOf(outcomes: ReadonlyMap<string, readonly Outcome[]>): ReturnType<typeof atLeast>[] {
  const of = (name: string, what: (outcome: Outcome) => number): number =>
    mean((outcomes.get(name) ?? []).map(what))
  const share = (name: string): number => of(name, ({ gain }) => gain) / of(full, ({ gain }) => gain)
  return [
    atLeast('the adapter: share of what all weights gain', share(lora), 0.9),
    atLeast(
      'the adapter: what it gains more than as many numbers elsewhere, of what all gain',
      share(lora) - share(elsewhere),
      0,
    ),
    atMost('an adapter of shuffled bytes: share of what all weights gain', share(shuffled), 0.25),
    atMost(
      'random numbers in its place: gain in bits per byte',
      of(lora, (own) => own.random ?? NaN),
      0,
    ),
    atMost(
      'bytes of the model that the adapter changed',
      of(lora, ({ changed }) => changed),
      0,
    ),
    atLeast(
      'all weights: bytes of the model that they changed',
      of(full, ({ changed }) => changed),
      1,
    ),
  ]
}
