/**
 * `npm run bench -- second-domain --data DIR [--seeds N]`: what a pre-trained model forgets when it learns something
 * else. stories260K, which tells small children's stories, learns Shakespeare: by itself, with text of its own to
 * rehearse, with EWC besides, and each after growing.
 *
 * DIR holds `tinyshakespeare.txt`; the model lies in `stories260K`, `models/stories260K` or `../models/stories260K`
 * of it. The stories that it was trained on are not there: forgetting is measured on text drawn from the untouched
 * model with a seed that nothing is rehearsed from. What its loss there rises by is then the Kullback–Leibler
 * divergence from the model that was to the one that is, in nats per token.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  type TokenBatch,
  evaluateText,
  fixedVocabulary,
  Learner,
  meanLoss,
  writeOwnText,
} from '@burgeon/continual'
import { type Gpt, type GrowingTokenizer, isDecayed } from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { continueLearning, openModel } from 'burgeon/session'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'

/** Rows of a step, and tokens that each predicts. */
const [rowsOfStep, length] = [2, 256]
const learningRate = 3e-4
const heldOutBytes = 16_384

/** How the new text is learnt. */
interface Arm {
  readonly ownText: boolean
  readonly protection: number
  readonly grows: boolean
  readonly learns: boolean
}
const arm = (own: Partial<Arm>): Arm => ({
  ownText: false,
  protection: 0,
  grows: false,
  learns: true,
  ...own,
})

/** The first two are controls. */
const arms = {
  'nothing learnt': arm({ learns: false }),
  'no protection': arm({}),
  'own text': arm({ ownText: true }),
  'own text and EWC': arm({ ownText: true, protection: 10 }),
  'no protection, grown': arm({ grows: true }),
  'own text, grown': arm({ ownText: true, grows: true }),
} as const
type ArmName = keyof typeof arms

/** Losses at the end of an arm. */
interface Outcome {
  /** On text of the untouched model, in nats per token, above the loss of that model. */
  readonly forgotten: number
  /** The same right after growing. */
  readonly byGrowth: number
  /** On held-out text of the new domain, in bits per byte. */
  readonly fresh: number
  readonly parameters: number
}

export const secondDomain: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const { model: place, text } = found(data)
  const steps = quick ? 20 : 200
  const ownRows = quick ? 16 : 128
  const outcomes = new Map<ArmName, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const name of Object.keys(arms) as ArmName[]) {
      const outcome = await once(`seed ${seed}, ${name}`, () =>
        lived(place, text, arms[name], { seed, steps, ownRows, judged: quick ? 8 : 64 }),
      )
      note(
        `seed ${seed}, ${name}: stories +${outcome.forgotten.toFixed(4)} nats/token, Shakespeare ${outcome.fresh.toFixed(4)} bits/byte`,
      )
      outcomes.set(name, [...(outcomes.get(name) ?? []), outcome])
    }
  }
  const valuesOf = (name: ArmName, what: keyof Outcome): number[] =>
    (outcomes.get(name) ?? []).map((outcome) => outcome[what])
  const meanOf = (name: ArmName, what: keyof Outcome): number => mean(valuesOf(name, what))
  const rows = (Object.keys(arms) as ArmName[]).flatMap((name): BenchmarkRow[] => {
    const row = (metric: string, what: keyof Outcome, unit: string): BenchmarkRow => ({
      ...{ case: name, metric, value: meanOf(name, what), unit, values: valuesOf(name, what) },
    })
    return [
      row('stories forgotten, on text drawn from the untouched model', 'forgotten', 'nats/token'),
      row('held-out Shakespeare', 'fresh', 'bits/byte'),
      row('parameters', 'parameters', ''),
    ]
  })
  const gained = (name: ArmName): number => meanOf('nothing learnt', 'fresh') - meanOf(name, 'fresh')
  const left = (name: ArmName, of: ArmName): number => meanOf(name, 'forgotten') / meanOf(of, 'forgotten')
  return {
    rows,
    checks: [
      atMost(
        'control: forgotten when nothing is learnt, nats/token',
        meanOf('nothing learnt', 'forgotten'),
        0,
      ),
      atLeast('control: forgotten without protection, nats/token', meanOf('no protection', 'forgotten'), 0.1),
      atMost('forgetting that own text leaves, as a share', left('own text', 'no protection'), 0.5),
      atMost(
        'forgetting that own text leaves of a grown model, as a share',
        left('own text, grown', 'no protection, grown'),
        0.5,
      ),
      atLeast(
        'gain on Shakespeare that is left with own text, as a share',
        gained('own text') / gained('no protection'),
        0.8,
      ),
      atMost('stories forgotten by growing alone, nats/token', meanOf('own text, grown', 'byGrowth'), 1e-4),
    ],
  }
}

interface Amounts {
  readonly seed: number
  readonly steps: number
  readonly ownRows: number
  /** Rows of the untouched model's text that forgetting is measured on. */
  readonly judged: number
}

async function lived(place: string, text: Uint8Array, how: Arm, amounts: Amounts): Promise<Outcome> {
  const { seed, steps, ownRows, judged } = amounts
  const { model, tokenizer } = await openModel(place)
  const [begin] = tokenizer.encode('')
  const stories = await writeOwnText(model, { rows: judged, length, begin, seed: 9000 + seed })
  const lossOfStories = (): Promise<number> => meanLossOf(model, stories)
  const untouched = await lossOfStories()
  if (how.grows)
    for (const request of requests(model)) await grow(model, request, { mirrors: [], key: [seed, 1] })
  const byGrowth = (await lossOfStories()) - untouched
  const learner = how.learns ? await learnerOf(model, tokenizer, how, seed, ownRows) : null
  const [learnt, heldOut] = [text.subarray(0, -heldOutBytes), text.subarray(-heldOutBytes)]
  // Each seed begins elsewhere in the text.
  const perStep = rowsOfStep * length
  const tokens = tokenizer.encodeBytes(
    learnt.subarray((seed - 1) * 200_000, (seed - 1) * 200_000 + 4 * steps * perStep),
  )
  for (let step = 0; step < steps; step++) {
    await learner?.observe(batchOf(tokens.subarray(step * perStep, (step + 1) * perStep), begin))
  }
  const fresh = (await evaluateText(model, heldOut, { tokenizer })).bitsPerByte
  const outcome = { forgotten: (await lossOfStories()) - untouched, byGrowth, fresh }
  const parameters = model.parameters.size
  learner?.dispose()
  model.dispose()
  return { ...outcome, parameters }
}

async function learnerOf(
  model: Gpt,
  tokenizer: GrowingTokenizer,
  { ownText, protection }: Arm,
  seed: number,
  rows: number,
): Promise<Learner> {
  if (ownText) {
    return continueLearning(model, { tokenizer, ownText: rows, protection, learningRate, plateau: 0, seed })
  }
  // The same steps on the same text, and nothing else.
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate: warmUp(learningRate, 30), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  return new Learner({ model, optimizer, strategy: { vocabulary: fixedVocabulary(tokenizer) }, seed })
}

/** Half as wide again in every block, and one more layer at the top. */
function requests({ config: { blocks } }: Gpt): GrowthRequest[] {
  const wider = blocks.map(({ id, mlpHidden }): GrowthRequest => {
    return { kind: 'widenMlp', block: id, to: Math.round(1.5 * mlpHidden) }
  })
  return [...wider, { kind: 'addLayer', at: blocks.length }]
}

function batchOf(tokens: Int32Array, begin: number): TokenBatch {
  const all = new Int32Array(rowsOfStep * (length + 1))
  for (let row = 0; row < rowsOfStep; row++) {
    all[row * (length + 1)] = begin
    all.set(tokens.subarray(row * length, (row + 1) * length), row * (length + 1) + 1)
  }
  return { rows: rowsOfStep, length, tokens: all, domains: new Array<string>(rowsOfStep).fill('Shakespeare') }
}

/** Mean loss over the rows of a batch, each read by itself. */
async function meanLossOf(model: Gpt, { rows, length: own, tokens }: TokenBatch): Promise<number> {
  const losses: number[] = []
  for (let row = 0; row < rows; row++) {
    losses.push(await meanLoss(model, tokens.subarray(row * (own + 1), (row + 1) * (own + 1))))
  }
  return mean(losses)
}

function found(data = '../shared/data'): { model: string; text: Uint8Array } {
  const file = join(data, 'tinyshakespeare.txt')
  const places = ['stories260K', 'models/stories260K', '../models/stories260K'].map((name) =>
    join(data, name),
  )
  const model = places.find((place) => existsSync(join(place, 'config.json')))
  if (existsSync(file) && model !== undefined) return { model, text: new Uint8Array(readFileSync(file)) }
  throw new UsageError(
    `second-domain: got ${model === undefined ? `no config.json in ${places.join(', ')}` : `no ${file}`}. ` +
      'Give --data DIR with tinyshakespeare.txt and the model stories260K in it or beside it.',
  )
}
