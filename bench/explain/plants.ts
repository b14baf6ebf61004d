/**
 * Sentences that come once among thousands of rows: the influence of experience has to name each of them for its
 * question, and a life that is lived again without a row says what each really did.
 */
import { adamw, chain, clipByGlobalNorm, sgd, warmUp } from '@burgeon/autograd/optim'
import {
  type Influence,
  influence,
  joinBatches,
  Learner,
  type LearnerOptions,
  type LearnerState,
  type LifeMoment,
  type Past,
  type Question,
  reservoirReplay,
  retrace,
  type TokenBatch,
  whatIf,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow, mean } from '../benchmark.ts'
import { type Fact, pseudoFacts } from '../recall/pseudo-facts.ts'
import { spearman } from './ranks.ts'
import { shuffled } from './trained.ts'

const [rowsAtOnce, context] = [4, 40]
const sizes = { context, embed: 48, heads: 4, layers: 2, mlpHidden: 96 }
const words = {
  who: [
    'the old man',
    'a young queen',
    'the baker',
    'our neighbor',
    'the tall sailor',
    'a small child',
    'the judge',
  ],
  does: ['walks to', 'looks at', 'dreams of', 'runs from', 'sings about', 'comes back to', 'talks of'],
  what: [
    'the river',
    'a cold house',
    'the green hill',
    'an open door',
    'the market',
    'a quiet town',
    'the sea',
  ],
  when: [
    'at night',
    'in the morning',
    'every day',
    'once a year',
    'in the rain',
    'after lunch',
    'before dawn',
  ],
}

/** How long a life is, and what is planted. */
interface PlantedLife {
  readonly seed: number
  readonly rows: number
  /** Sentences that are planted; none for the life without. */
  readonly facts: readonly Fact[]
  /** Places of them, by number of the row. */
  readonly places: readonly number[]
  /** Steps between checkpoints. */
  readonly every: number
  /** How it learns. */
  readonly parts: () => Omit<LearnerOptions, 'model'>
}

/** Row by row: common sentences, some sentences of the form of those that are planted, and these. */
function textsOf({ seed, rows, facts, places }: PlantedLife): string[] {
  const random = new RandomStream(keyFromSeed(seed)).named('common')
  const one = (list: readonly string[]): string => list[random.below(list.length)]
  const decoys = pseudoFacts(seed + 1000, rows)
  const sentence = (): string =>
    `${one(words.who)} ${one(words.does)} ${one(words.what)} ${one(words.when)}. ${one(words.who)} ${one(words.does)}`
  return Array.from({ length: rows }, (_, row) => {
    const common = random.below(10) === 0 ? decoys[row].text : sentence()
    const plant = places.indexOf(row)
    return plant < 0 || facts[plant] === undefined ? common : facts[plant].text
  })
}

function batchesOf(life: PlantedLife): TokenBatch[] {
  const texts = textsOf(life)
  return Array.from({ length: texts.length / rowsAtOnce }, (_, step): TokenBatch => {
    const tokens = new Int32Array(rowsAtOnce * (context + 1)).fill(-1)
    const ids = Array.from({ length: rowsAtOnce }, (__, row) => step * rowsAtOnce + row)
    ids.forEach((id, row) => {
      tokens.set(new TextEncoder().encode(texts[id]).subarray(0, context + 1), row * (context + 1))
    })
    return {
      ...{ rows: rowsAtOnce, length: context, tokens, domains: ids.map(() => 'text') },
      origins: ids.map((id) => ({ id, source: 'bench', domain: 'text', at: id, trust: 1 })),
    }
  })
}

/** As lives learn. */
const usual = (seed: number) => (): Omit<LearnerOptions, 'model'> => ({
  optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(2e-3, 30), beta2: 0.99 })),
  strategy: { rehearsal: reservoirReplay({ capacity: 500, share: 1, seed }) },
})

/**
 * Slow descent, each row once: the change of the weights is the sum of what gradients of rows say. At three times the rate
 * a life is chaotic already.
 */
const slow = (): Omit<LearnerOptions, 'model'> => ({ optimizer: sgd({ learningRate: 0.01 }) })

/** A life on record. */
interface Lived {
  readonly learner: Learner
  readonly past: Past
}

async function lived(life: PlantedLife): Promise<Lived> {
  const { seed, every, parts } = life
  const learner = new Learner({ model: Gpt.create(sizes, { seed }), ...parts() })
  const observed = batchesOf(life)
  const moments: LifeMoment[] = []
  const keep = (state: LearnerState): void => {
    const begin = (): Learner => Learner.fromState(structuredClone(state), parts())
    moments.push({ step: state.step, begin })
  }
  for (const batch of observed) {
    if (learner.step % every === 0) keep(await learner.toState())
    await learner.observe(batch)
  }
  return { learner, past: { moments, observed } }
}

const questionOf = ({ question, answer }: Fact): Question => ({ prompt: question, answer })

/** What the influence of the rows of a life names for each question. */
async function named(model: Gpt, rows: TokenBatch, facts: readonly Fact[]): Promise<Influence[]> {
  const found: Influence[] = []
  for (const fact of facts) found.push(await influence([model], questionOf(fact), rows, { closely: 64 }))
  return found
}

/** How large the whole is. */
export interface PlantSizes {
  readonly seed: number
  /** Rows of a life, a multiple of 4. */
  readonly rows: number
  readonly plants: number
  /** Questions of the controls. */
  readonly controls: number
  /** Rows that are left out, one by one, for each of two questions. */
  readonly leftOut: number
}

export async function plantTask(
  { seed, rows, plants, controls, leftOut }: PlantSizes,
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const random = new RandomStream(keyFromSeed(seed)).named('plants')
  const facts = pseudoFacts(seed, plants)
  const [each, few] = [Math.floor(rows / plants), facts.slice(0, controls)]
  const places = facts.map((_, i) => i * each + random.below(each))
  const life = { seed, rows, facts, places, every: 10_000, parts: usual(seed) }
  const { learner, past } = await lived(life)
  const all = joinBatches(past.observed)
  const own = await named(learner.model, all, facts)
  const first = own.filter(({ rows: [top] }, i) => top.row === places[i]).length
  note(`planted: first in ${first} of ${plants}`)
  const tops = own.map(({ rows: told }) => told.slice(0, 10).map(({ row }) => row))
  const without = await lived({ ...life, facts: [] })
  const bare = await named(without.learner.model, joinBatches(without.past.observed), few)
  const mixed = await shuffled(learner.model, seed)
  const byNoise = await named(mixed, all, few)
  const noiseFirst = byNoise.filter(({ rows: [top] }, i) => top.row === places[i]).length
  for (const model of [learner, without.learner]) letGo(model)
  mixed.dispose()
  const topScore = (list: readonly Influence[]): number => mean(list.map(({ rows: told }) => told[0].score))
  const isNamed = ({ rows: told }: Influence, i: number): boolean =>
    told.slice(0, 10).some(({ row }) => row === places[i])
  const bareNamed = bare.filter(isNamed).length / controls
  const size = { seed, rows: Math.min(rows, 1200) }
  const exact = await leaveOneOut({ ...size, leftOut, parts: slow }, note)
  const chaotic = await leaveOneOut({ ...size, leftOut: Math.ceil(leftOut / 2), parts: usual(seed) }, note)
  const row = (name: string, metric: string, value: number, unit = ''): BenchmarkRow => ({
    ...{ case: name, metric, value, unit },
  })
  return {
    rows: [
      row('planted sentences', 'largest score', topScore(own)),
      row('life without them', 'largest score', topScore(bare)),
      row('planted sentences, shuffled weights', 'named first, of all', noiseFirst / controls),
      row(
        'planted sentences',
        'largest gap of the difference quotient',
        Math.max(...own.map(({ gap }) => gap)),
      ),
      row('leave one out, slow descent', 'rank correlation with influence', exact.correlation),
      row('leave one out, slow descent', 'standard deviation of the exact effects', exact.spread, 'nats'),
      row('leave one out, AdamW and replay', 'rank correlation with influence', chaotic.correlation),
      row(
        'leave one out, AdamW and replay',
        'standard deviation of the exact effects',
        chaotic.spread,
        'nats',
      ),
    ],
    checks: [
      atLeast(`planted sentences named first of ${rows} rows, of ${plants}`, first, Math.ceil(plants * 0.95)),
      atMost('the same of other questions, among ten rows', overlap(tops), 0.5),
      atMost('row at the place of a plant among ten in the life without, of all', bareNamed, 0.05),
      atMost('named first with shuffled weights, of all', noiseFirst / controls, 0.5),
      atLeast('rank correlation of influence with leaving out, slow descent', exact.correlation, 0.5),
      atLeast('exact effects of the sign of influence, of the ten largest', exact.signs, 0.9),
    ],
  }
}

/** Mean share of rows that two questions have in common. */
function overlap(tops: readonly (readonly number[])[]): number {
  const shares = tops.flatMap((top, i) =>
    tops.slice(i + 1).map((other) => top.filter((row) => other.includes(row)).length / top.length),
  )
  return mean(shares)
}

/** Questions of which many rows have something to say. */
const common: readonly Question[] = [
  { prompt: 'the baker walks to the river ', answer: 'at night' },
  { prompt: 'our neighbor talks of ', answer: 'the sea' },
]

/** Rows of the last two fifths of a life left out, one by one, beside their influence at the start of these and the end. */
async function leaveOneOut(
  { seed, rows, leftOut, parts }: Pick<PlantedLife, 'seed' | 'rows' | 'parts'> & { readonly leftOut: number },
  note: (line: string) => void,
): Promise<{ readonly correlation: number; readonly signs: number; readonly spread: number }> {
  const { learner, past } = await lived({ seed, rows, facts: [], places: [], every: 20, parts })
  const life = await retrace(learner, past)
  const random = new RandomStream(keyFromSeed(seed)).named('left out')
  const [late, all] = [Math.ceil((rows * 3) / 5), joinBatches(past.observed)]
  const middle = past.moments.findLast(({ step }) => step * rowsAtOnce <= late) ?? past.moments[0]
  const earlier = await middle.begin((policy) => policy)
  const [correlations, signs, spreads]: [number[], number[], number[]] = [[], [], []]
  for (const question of common) {
    const { rows: told } = await influence([earlier, learner], question, all, { closely: rows })
    const by = new Map(told.map((own) => [own.row, own.influence]))
    const effectOf = async (id: number): Promise<number> =>
      (await whatIf(life, question, { without: { ids: [id] } })).effect
    const ids = Array.from({ length: leftOut }, () => late + random.below(rows - late))
    const exact: number[] = []
    for (const id of ids) exact.push(await effectOf(id))
    correlations.push(
      spearman(
        ids.map((id) => by.get(id) ?? 0),
        exact,
      ),
    )
    const middleOf = mean(exact)
    spreads.push(Math.sqrt(mean(exact.map((effect) => (effect - middleOf) ** 2))))
    const top = told
      .filter(({ row }) => row >= late)
      .toSorted((a, b) => b.influence - a.influence)
      .slice(0, 10)
    for (const { row, influence: wanted } of top) {
      signs.push(Number(Math.sign(await effectOf(row)) === Math.sign(wanted)))
    }
    note(`leave one out, "${question.prompt as string}": rank correlation ${correlations.at(-1)}`)
  }
  for (const own of [learner, earlier]) letGo(own)
  return { correlation: mean(correlations), signs: mean(signs), spread: mean(spreads) }
}

function letGo(learner: Learner): void {
  learner.dispose()
  learner.model.dispose()
}
