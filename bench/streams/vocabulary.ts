/**
 * `npm run bench -- vocabulary --data DIR [--seeds N]`: whether words that come often deserve tokens of their
 * own. The same small model lives the same bytes of English, then of French, once in bytes and once with a
 * vocabulary that grows from what it reads.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  afterDrift,
  anyOf,
  batches,
  bitsPerByteOf,
  type Chunk,
  everySteps,
  growingVocabulary,
  Learner,
  type LearnerOptions,
  pageHinkley,
  reservoirReplay,
  standardized,
} from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { profileAsync } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, UsageError } from '../benchmark.ts'

const sizes = { context: 64, embed: 64, heads: 4, layers: 2, mlpHidden: 128 }
const rows = 4
/** Bytes of each language to measure on: the end of its text. */
const heldOutBytes = 16_384

interface Language {
  readonly name: string
  readonly learnt: Uint8Array
  readonly heldOut: Uint8Array
}

interface Outcome {
  /** Bits per byte of held-out text, by language, at the end of each. */
  readonly measured: readonly Readonly<Record<string, number>>[]
  /** Mean prequential loss over the last language. */
  readonly prequential: number
  readonly tokens: number
  readonly parameters: number
  readonly vocabulary: number
  readonly growths: number
  /** FLOPs of all steps, by the formulas of the op table. */
  readonly flops: number
}

/**
 * The last one has as many parameters from the beginning as the growing one has at the end, and does not
 * grow.
 */
const arms = ['a growing vocabulary', 'bytes alone', 'bytes alone, a larger model'] as const
const [growing, bytesAlone, larger] = arms

function parts(seed: number, arm: string): LearnerOptions {
  const words = { tokens: 1024, tokensAtOnce: 16, growWhen: anyOf(everySteps(40), afterDrift(20)) }
  return {
    model: Gpt.create(arm === larger ? { ...sizes, mlpHidden: 256 } : sizes, { device: openWasm(), seed }),
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmUp(3e-3, 30), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
    ),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 1000, share: 0.5, seed }),
      detector: standardized(pageHinkley({ mode: 'up', delta: 1, threshold: 14 }), {
        decay: 0.99,
      }),
      ...(arm === growing && { vocabulary: growingVocabulary(words) }),
    },
    seed,
  }
}

export const vocabulary: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const languages = ['english-web', 'french'].map((name) =>
    readLanguage(data, name, quick ? 40_000 : 160_000),
  )
  const [old, fresh] = languages.map(({ name }) => name)
  const outcomes: Record<string, Outcome[]> = {}
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const arm of arms) {
      const outcome = await once(`seed ${seed}, ${arm}`, () =>
        lived(new Learner(parts(seed, arm)), languages),
      )
      note(`seed ${seed}, ${arm}: ${said(outcome)}`)
      outcomes[arm] = [...(outcomes[arm] ?? []), outcome]
    }
  }
  const mean = (arm: string, of: (outcome: Outcome) => number): number =>
    outcomes[arm].reduce((total, outcome) => total + of(outcome), 0) / outcomes[arm].length
  const ratio = (of: (outcome: Outcome) => number, peer: string): number => mean(growing, of) / mean(peer, of)
  const against = (peer: string, metric: string, unit: string, of: (o: Outcome) => number): BenchmarkRow => {
    const [value, peerValue] = [growing, peer].map((arm) => mean(arm, of))
    return {
      case: growing,
      metric,
      value,
      values: outcomes[growing].map(of),
      unit,
      peer,
      peerValue,
      ratio: peerValue / value,
    }
  }
  const atEnd = (name: string) => (outcome: Outcome) => outcome.measured[outcome.measured.length - 1][name]
  const result = [bytesAlone, larger].flatMap((peer) => [
    against(peer, `${fresh}, the new language, at the end`, 'bits/byte', atEnd(fresh)),
    against(peer, `${old}, the old language, at the end`, 'bits/byte', atEnd(old)),
    against(peer, `${old}, when it was learnt`, 'bits/byte', ({ measured }) => measured[0][old]),
    against(peer, `${fresh}, before each byte was learnt`, 'bits/byte', ({ prequential }) => prequential),
    against(peer, 'operations', 'TFLOP', ({ flops }) => flops / 1e12),
    against(peer, 'parameters at the end', '', ({ parameters }) => parameters),
    against(peer, 'tokens of the vocabulary', '', ({ vocabulary: tokens }) => tokens),
    against(peer, 'tokens learnt, old ones aside', '', ({ tokens }) => tokens),
  ])
  const checks = [bytesAlone, larger].flatMap((peer) => [
    atMost(`${fresh}, bits per byte, growing over ${peer}`, ratio(atEnd(fresh), peer), 0.95),
    atMost(`${old}, bits per byte, growing over ${peer}`, ratio(atEnd(old), peer), 1.01),
  ])
  const growths = mean(growing, (outcome) => outcome.growths)
  return { rows: result, checks: quick ? [] : [...checks, atLeast('growths per life', growths, 2)] }
}

function said({ measured, vocabulary: tokens, growths, parameters, flops }: Outcome): string {
  const bits = measured.map((stage) =>
    Object.values(stage)
      .map((value) => value.toFixed(3))
      .join(' and '),
  )
  return (
    `${bits.join(', then ')} bits/byte, ${tokens} tokens after ${growths} growths, ${parameters} parameters, ` +
    `${(flops / 1e12).toFixed(3)} TFLOP`
  )
}

/** Lives the languages one after another, and lets the learner go. */
async function lived(learner: Learner, languages: readonly Language[]): Promise<Outcome> {
  const { model, strategy } = learner
  const { tokenizer } = strategy.vocabulary ?? {}
  const measured: Record<string, number>[] = []
  let [flops, tokens, bits, bytes] = [0, 0, 0, 0]
  for (const language of languages) {
    bits = bytes = 0
    for await (const { batch } of batches(chunksOf(language), { rows, length: sizes.context })) {
      const { result, profile } = await profileAsync(() => learner.observe(batch), { events: 0 })
      flops += profile.total.flops
      tokens += result.tokens
      bits += result.bitsPerByte * result.bytes
      bytes += result.bytes
    }
    const now: Record<string, number> = {}
    for (const { name, heldOut } of languages) now[name] = await bitsPerByteOf(model, heldOut, tokenizer)
    measured.push(now)
  }
  const growths = learner.journal.filter(({ kind }) => kind === 'growth').length
  const { size: parameters } = model.parameters
  learner.dispose()
  model.dispose()
  const { vocabulary: size } = model.config
  return { measured, prequential: bits / bytes, tokens, parameters, vocabulary: size, growths, flops }
}

function* chunksOf({ name, learnt }: Language): Generator<Chunk<null>> {
  yield { domain: name, tokens: learnt, positionAfter: () => null }
}

/** Reads `genesis-….txt`; the end of it is held out. */
function readLanguage(folder: string | undefined, name: string, bytes: number): Language {
  const file = `genesis-${name}.txt`
  if (folder === undefined)
    throw new UsageError(`vocabulary: got no --data DIR; expected a folder with ${file}.`)
  try {
    const text = readFileSync(join(folder, file))
    return { name, learnt: text.subarray(0, bytes), heldOut: text.subarray(-heldOutBytes) }
  } catch (error) {
    throw new UsageError(`vocabulary: cannot read ${join(folder, file)}; expected the text there.`, {
      cause: error,
    })
  }
}
