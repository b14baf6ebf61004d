/**
 * `npm run bench -- shakespeare --data DIR [--seeds N]`: the tiny model learns `tinyshakespeare.txt`
 * character by character, and PyTorch the same model from the same weights over the same batches.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm, warmUpCosine } from '@burgeon/autograd/optim'
import { isDecayed } from '@burgeon/gpt'
import { type Device, keyFromSeed, mean, openScope, RandomStream, type TensorsByPath } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, UsageError } from '../benchmark.ts'
import { optimizer, type Weights } from '../peers/peer.ts'
import { fastestTorch, type TorchPeer } from '../peers/torch.ts'
import { createModel, initialWeights } from './our-trainer.ts'
import { tiny } from './sizes.ts'

/** PyTorch's own run ended at 1.8905 on the machine where the bound was set. */
const maxLoss = 1.9

/** Text as tokens, and where every batch begins. */
interface Course {
  readonly tokens: Int32Array
  /** A row of starts for every step. */
  readonly starts: readonly Int32Array[]
  readonly validation: readonly Int32Array[]
  /** Learning rate of every step. */
  readonly rates: readonly number[]
}

export const shakespeare: Benchmark = async ({ data, seeds, quick, note }) => {
  if (data === undefined)
    throw new UsageError('shakespeare: got no --data DIR; expected a folder with tinyshakespeare.txt.')
  const text = textIn(data)
  const device = openWasm()
  const torch = await fastestTorch(tiny, await initialWeights(tiny, device, 1))
  const [ours, theirs]: Result[][] = [[], []]
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = prepare(text, quick ? 200 : 2000, seed)
    ours.push(learn(course, device, seed, note))
    note(`seed ${seed}, ours: validation loss ${said(ours[seed - 1])}`)
    if (torch === undefined) continue
    theirs.push(await learnInTorch(torch, course, await initialWeights(tiny, device, seed)))
    note(`seed ${seed}, ${torch.name}: validation loss ${said(theirs[seed - 1])}`)
  }
  await torch?.close()
  const loss = meanOf(ours, 'loss')
  const checks = quick ? [] : [atMost('mean validation loss, nats per character', loss, maxLoss)]
  const rows: BenchmarkRow[] = []
  for (const [metric, key, unit] of [
    ['validation loss', 'loss', 'nats'],
    ['training', 'seconds', 's'],
  ] as const) {
    for (const [i, own] of [...ours, undefined].entries()) {
      const about = {
        case: own ? `seed ${i + 1}` : 'mean',
        metric,
        unit,
        value: own?.[key] ?? meanOf(ours, key),
      }
      const peerValue = own ? theirs[i]?.[key] : meanOf(theirs, key)
      rows.push(torch ? { ...about, peer: torch.name, peerValue, ratio: peerValue / about.value } : about)
    }
  }
  if (torch === undefined) {
    rows.push({
      ...{ case: 'PyTorch', metric: 'not installed', value: 0 },
      unit: '(apt-get install python3-torch libopenblas0-pthread libopenblas0-openmp)',
    })
    return { rows, checks }
  }
  const ratio = meanOf(theirs, 'seconds') / meanOf(ours, 'seconds')
  return { rows, checks: [...checks, atLeast('times as fast as PyTorch', ratio, 1)] }
}

/** The end of one run. */
interface Result {
  /** Loss on the validation text, in nats per character. */
  readonly loss: number
  /** Seconds of the updates alone. */
  readonly seconds: number
}

const said = ({ loss, seconds }: Result): string => `${loss.toFixed(4)} after ${seconds.toFixed(1)} s`
const meanOf = (results: readonly Result[], key: keyof Result): number =>
  results.reduce((sum, result) => sum + result[key], 0) / results.length

async function learnInTorch(torch: TorchPeer, course: Course, weights: Weights): Promise<Result> {
  await torch.load(tiny, weights, { decays: Object.keys(weights).filter(isDecayed) })
  const file = (name: string, numbers: Int32Array): string => {
    writeFileSync(join(torch.folder, name), numbers)
    return join(torch.folder, name)
  }
  const { seconds, validationLoss } = (await torch.ask({
    do: 'train',
    text: file('text.i32', course.tokens),
    offsets: file('starts.i32', joined(course.starts)),
    validation: file('validation.i32', joined(course.validation)),
    rates: course.rates,
  })) as { seconds: number; validationLoss: number }
  return { loss: validationLoss, seconds }
}

function textIn(folder: string): string {
  const path = join(folder, 'tinyshakespeare.txt')
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`shakespeare: cannot read ${path}; expected the text there.`, { cause: error })
  }
}

function prepare(text: string, steps: number, seed: number): Course {
  const characters = [...new Set(text)].toSorted()
  if (characters.length !== tiny.vocabulary) {
    throw new UsageError(
      `shakespeare: got a text of ${characters.length} different characters; expected ${tiny.vocabulary}.`,
    )
  }
  const ids = new Map(characters.map((character, id) => [character, id]))
  const tokens = Int32Array.from(text, (character) => ids.get(character) as number)
  const split = Math.floor(0.9 * tokens.length)
  const { batch, context } = tiny
  // The whole of the validation text once, window after window, but for the last windows that fill no batch.
  const windows = Math.floor((tokens.length - 1 - split) / context)
  const validation = Array.from({ length: Math.floor(windows / batch) }, (_, i) =>
    Int32Array.from({ length: batch }, (_row, row) => split + context * (batch * i + row)),
  )
  const random = new RandomStream(keyFromSeed(seed)).named('shakespeare')
  const starts = Array.from({ length: steps }, () =>
    Int32Array.from({ length: batch }, () => random.below(split - context)),
  )
  const rate = warmUpCosine({ warmup: 100, total: steps, peak: 1e-3, final: 1e-4 })
  return {
    tokens,
    starts,
    validation,
    rates: Array.from({ length: steps }, (_, step) => rate(step)),
  }
}

function learn(course: Course, device: Device, seed: number, note: (line: string) => void): Result {
  const model = createModel(tiny, device, seed)
  const { clip, ...options } = optimizer
  const rate = (step: number): number => course.rates[step]
  const transform = chain(
    clipByGlobalNorm(clip),
    adamw({ ...options, learningRate: rate, decays: isDecayed }),
  )
  const lossOf = (starts: Int32Array, w: TensorsByPath) => {
    const rows = Array.from(starts, (start) => course.tokens.subarray(start, start + tiny.context + 1))
    const spec = { shape: [tiny.batch, tiny.context], dtype: 'i32' } as const
    const tokens = device.tensor(joined(rows.map((row) => row.subarray(0, -1))), spec)
    const targets = device.tensor(joined(rows.map((row) => row.subarray(1))), {
      ...{ shape: [tiny.batch * tiny.context], dtype: 'i32' },
    })
    return mean(model.losses(tokens, targets, w))
  }
  const start = performance.now()
  for (const [step, starts] of course.starts.entries()) {
    using _ = openScope()
    const parameters = model.parameters.tensors()
    const { value, gradient } = valueAndGrad((w: TensorsByPath) => lossOf(starts, w))(parameters)
    applyUpdates(parameters, transform.transform(gradient, { parameters, step }))
    if (step % 200 === 0) note(`step ${step}: loss ${value.readSync()[0].toFixed(4)}`)
  }
  const seconds = (performance.now() - start) / 1000
  let total = 0
  for (const starts of course.validation) {
    using _ = openScope()
    total += lossOf(starts, model.parameters.tensors()).readSync()[0]
  }
  model.dispose()
  return { loss: total / course.validation.length, seconds }
}

function joined(arrays: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const array of arrays) {
    all.set(array, at)
    at += array.length
  }
  return all
}
