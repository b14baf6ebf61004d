/** A model that learns rows of several senses in turn, one of which may arrive later. */
import { adamw, chain, clipByGlobalNorm, warmUpCosine } from '@burgeon/autograd/optim'
import { joinBatches, Learner, type LearnerState } from '@burgeon/continual'
import { Gpt, type GptConfig } from '@burgeon/gpt'
import { type Device, scope } from '@burgeon/tensor'
import { lossesOf } from './row-losses.ts'
import { context, type SenseStream } from './sense-streams.ts'

/** How a life learns. A round is a step of each sense, in order. */
export interface LifeOptions {
  readonly seed: number
  readonly rate: number
  /** Rows of each sense by which it is judged. */
  readonly judged: number
  readonly device: Device
  readonly note: (line: string) => void
}

/** Senses for so many rounds. */
export interface Phase {
  readonly senses: readonly SenseStream[]
  readonly rounds: number
}

/** Bits of a byte of what is held back, by sense. Plain data. */
export type BitsBySense = Partial<Record<SenseStream['name'], number>>

/** What a life has come to. Plain data. */
export interface LifeOfSenses {
  readonly parameters: number
  /** At the end of each phase. */
  readonly bits: readonly BitsBySense[]
  /** Logits of old senses that a sense moved which began with a phase, and those that a step moved behind it. */
  readonly moved: number
  readonly movedByStep: number
}

/**
 * Learns phase after phase; the rate falls over all of them.
 *
 * @param begun A life that has ended its first phase, to go on from: that phase is not learnt again.
 */
export async function liveWithSenses(
  phases: readonly Phase[],
  options: LifeOptions,
  begun?: LearnerState,
): Promise<LifeOfSenses & { readonly states: readonly LearnerState[] }> {
  const { seed, rate, device, note } = options
  const learningRate = rateByRound(phases, rate)
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate, weightDecay: 0.01, epsilon: 1e-12 }))
  const sizes = { context, embed: 128, heads: 4, layers: 2 }
  const learner =
    begun === undefined
      ? new Learner({ model: Gpt.create(sizes, { seed, device }), seed, optimizer })
      : Learner.fromState(begun, { device, optimizer })
  const [bits, states] = [new Array<BitsBySense>(), new Array<LearnerState>()]
  const moved = { byGrowth: 0, byStep: 0 }
  let round = 0
  for (const [p, { senses, rounds }] of phases.entries()) {
    if (p === 0 && begun !== undefined) {
      round += rounds
      continue
    }
    const old = p === 0 ? [] : phases[p - 1].senses
    const before = logitsOf(learner.model, old)
    for (const [k, { name, request }] of senses.entries()) {
      if (request === undefined || isKnown(learner.model.config, request.name)) continue
      await learner.grow(request, [seed, k + 1])
      note(`${name} begins at round ${round}`)
    }
    moved.byGrowth += differing(before, logitsOf(learner.model, old))
    for (let own = 0; own < rounds; own++, round++) {
      for (const sense of senses) {
        const rows = Array.from({ length: sense.rows }, (_, i) =>
          sense.learnt(learner.model.config, round * sense.rows + i),
        )
        await learner.observe(joinBatches(rows))
        if (own === 0 && sense === senses[0]) moved.byStep += differing(before, logitsOf(learner.model, old))
      }
      if ((own + 1) % 20 === 0)
        note(`round ${own + 1} of ${rounds}, ${senses.map(({ name }) => name).join(', ')}`)
    }
    bits.push(bitsOf(learner.model, senses, options.judged))
    if (p < phases.length - 1) states.push(await learner.toState())
  }
  const { size } = learner.model.parameters
  learner.model.dispose()
  return { parameters: size, bits, moved: moved.byGrowth, movedByStep: moved.byStep, states }
}

const isKnown = ({ patches }: GptConfig, name: string): boolean =>
  patches?.senses.some((sense) => sense.name === name) ?? false

/** Rises and falls with the rounds, in which more or fewer senses have a step. */
function rateByRound(phases: readonly Phase[], peak: number): (step: number) => number {
  const total = phases.reduce((sum, { rounds }) => sum + rounds, 0)
  const byRound = warmUpCosine({ peak, warmup: total / 20, total, final: peak / 50 })
  return (step) => {
    let [left, round] = [step, 0]
    for (const { senses, rounds } of phases) {
      if (left < rounds * senses.length) return byRound(round + left / senses.length)
      left -= rounds * senses.length
      round += rounds
    }
    return byRound(total)
  }
}

/** Logits of bytes after each token of a row of each sense that was held back. */
function logitsOf(model: Gpt, senses: readonly SenseStream[]): Float32Array[] {
  const { device, config } = model
  return senses.map((sense) => {
    const { tokens, length } = sense.heldBack(config, 0)
    return scope(() => {
      const read = device.tensor(tokens.subarray(0, length), { shape: [1, length], dtype: 'i32' })
      const logits = model.forward(read).readSync()
      return Float32Array.from({ length: 256 * length }, (_, i) => {
        const [at, byte] = [Math.floor(i / 256), i % 256]
        return logits[at * config.vocabulary + byte]
      })
    })
  })
}

/** How many numbers differ in any bit. */
const differing = (before: readonly Float32Array[], after: readonly Float32Array[]): number =>
  before.reduce(
    (sum, own, i) => sum + own.reduce((count, x, j) => count + (Object.is(x, after[i][j]) ? 0 : 1), 0),
    0,
  )

/** Bits of a byte of what was held back; what weighs nothing is left out. */
function bitsOf(model: Gpt, senses: readonly SenseStream[], judged: number): BitsBySense {
  return Object.fromEntries(
    senses.map((sense) => {
      let [nats, bytes] = [0, 0]
      for (let i = 0; i < judged; i++) {
        const row = sense.heldBack(model.config, i)
        lossesOf(model, row).forEach((loss, at) => {
          if (row.weights?.[at] !== 0) [nats, bytes] = [nats + loss, bytes + 1]
        })
      }
      return [sense.name, nats / (Math.LN2 * bytes)]
    }),
  )
}
