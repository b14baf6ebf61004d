/**
 * `npm run bench -- speculation --data DIR [--seeds N]`: whether a grown model writes faster when its own
 * ancestor drafts for it. One layer learns Shakespeare character by character, is kept as it is, grows to
 * eight layers and learns on. The grown model then writes greedily alone, with the ancestor as its draft, and
 * with two controls of the ancestor's size: one that learnt the same text as long, from other weights, and
 * one that learnt nothing. The number of drafted tokens is chosen on a seed that is not reported.
 */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Device, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean } from '../benchmark.ts'
import { batchOf, type Course, heldOutLoss, readCourse, rowsOf } from '../growth/course.ts'

const sizes = { embed: 96, heads: 4, layers: 1, positions: 'rotary' } as const
const layersWhenGrown = 8
const length = 128
const prompts = 4
const promptLength = 32
/** Numbers of drafted tokens that are tried on the seed that is not reported. */
const choices = [2, 3, 4, 6] as const

const drafts = ['its ancestor', 'a model of its size, born apart', 'one that learnt nothing'] as const
type Draft = (typeof drafts)[number]
type Models = Readonly<Record<Draft | 'grown', Gpt>>

/** Milliseconds a token, the share of drafted tokens that were accepted, and the text itself. */
interface Written {
  readonly ms: number
  readonly accepted: number
  readonly texts: readonly (readonly number[])[]
}

export const speculation: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const steps = quick ? ([60, 20] as const) : ([1200, 600] as const)
  const tokens = quick ? 24 : length - promptLength
  let count: number = choices[0]
  const alone: number[] = []
  const ratios: Record<Draft, number[]> = { [drafts[0]]: [], [drafts[1]]: [], [drafts[2]]: [] }
  const accepted: Record<Draft, number[]> = { [drafts[0]]: [], [drafts[1]]: [], [drafts[2]]: [] }
  let changed = 0
  for (let seed = 0; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 8, length, seed)
    const models = await raised(course, device, steps)
    const told = ['grown', ...drafts].map(
      (name) => `${name} ${heldOutLoss(course, models[name as Draft]).toFixed(3)}`,
    )
    note(`seed ${seed}, held-out loss: ${told.join(', ')}`)
    if (seed === 0) {
      const times: number[] = []
      for (const n of choices) times.push((await write(course, models, drafts[0], n, tokens)).ms)
      count = choices[times.indexOf(Math.min(...times))]
      note(`drafted at a time: ${choices.map((n, i) => `${n}: ${times[i].toFixed(2)} ms`).join(', ')}`)
    } else {
      const plain = await write(course, models, null, count, tokens)
      alone.push(plain.ms)
      for (const draft of drafts) {
        const written = await write(course, models, draft, count, tokens)
        ratios[draft].push(plain.ms / written.ms)
        accepted[draft].push(written.accepted)
        changed += written.texts.filter((text, i) => text.join() !== plain.texts[i].join()).length
        note(
          `${draft}: ${written.ms.toFixed(2)} ms of ${plain.ms.toFixed(2)}, ${written.accepted.toFixed(3)} accepted`,
        )
      }
    }
    for (const model of Object.values(models)) model.dispose()
  }
  const peer = 'the grown model alone'
  const about = (draft: Draft): string => `drafted by ${draft}, ${count} tokens at a time`
  const rows = drafts.flatMap((draft): BenchmarkRow[] => [
    {
      ...{ case: about(draft), metric: 'time per token', unit: 'ms', peer, peerValue: mean(alone) },
      value: mean(alone.map((ms, i) => ms / ratios[draft][i])),
      values: alone.map((ms, i) => ms / ratios[draft][i]),
      ratio: mean(ratios[draft]),
    },
    {
      ...{ case: about(draft), metric: 'drafted tokens that are accepted', unit: '' },
      value: mean(accepted[draft]),
      values: accepted[draft],
    },
  ])
  const checks = [
    atMost('texts that a draft changed', changed, 0),
    atLeast(`${drafts[0]}: times faster than ${peer}, worst seed`, Math.min(...ratios[drafts[0]]), 1.1),
    atMost(`${drafts[2]}: times faster than ${peer}, best seed`, Math.max(...ratios[drafts[2]]), 1),
  ]
  return { rows, checks: quick ? checks.slice(0, 1) : checks }
}

/** The ancestor and what it grew into, and the two controls. */
async function raised(
  course: Course,
  device: Device,
  [first, second]: readonly [number, number],
): Promise<Models> {
  const born = (seed: number): Gpt =>
    Gpt.create({ ...sizes, vocabulary: course.vocabulary, context: length }, { device, seed })
  const [grown, apart] = [born(course.seed), born(course.seed + 1000)]
  await learn(grown, course, 0, first)
  const ancestor = Gpt.fromState(await grown.toState(), device)
  await learn(apart, course, 0, first)
  using probe = scope(() => batchOf(course, first, grown).tokens)
  const stack = { kind: 'copyLayers', copies: layersWhenGrown - 1 } as const
  await grow(grown, stack, { mirrors: [], probe, key: [course.seed, 1] })
  await learn(grown, course, first, second)
  return { grown, [drafts[0]]: ancestor, [drafts[1]]: apart, [drafts[2]]: born(course.seed + 2000) }
}

async function learn(model: Gpt, course: Course, from: number, count: number): Promise<void> {
  const learningRate = (step: number): number => 2e-3 * Math.min(1, (step + 1) / 50)
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate, beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  const learner = new Learner({ model, optimizer, seed: course.seed })
  for (let step = from; step < from + count; step++) await learner.observe(rowsOf(course, step))
  learner.dispose()
}

/** Writes on from held-out prompts greedily; the fastest of three times. */
async function write(
  { heldOut }: Course,
  models: Models,
  draft: Draft | null,
  draftTokens: number,
  tokens: number,
): Promise<Written> {
  const stride = Math.floor((heldOut.length - promptLength) / prompts)
  const starts = Array.from({ length: prompts }, (_, i) =>
    heldOut.subarray(i * stride, i * stride + promptLength),
  )
  const options = { tokens, temperature: 0, ...(draft && { draft: models[draft], draftTokens }) }
  const times: number[] = []
  for (;;) {
    const before = performance.now()
    const rows = []
    for (const prompt of starts) rows.push(await models.grown.generate(prompt, options))
    times.push((performance.now() - before) / (prompts * tokens))
    if (times.length < 3) continue
    const [drafted, accepted] = [rows.map((row) => row.drafted ?? 0), rows.map((row) => row.accepted ?? 0)]
    return {
      ms: Math.min(...times),
      accepted: mean(accepted) / Math.max(1, mean(drafted)),
      texts: rows.map((row) => Array.from(row.tokens)),
    }
  }
}
