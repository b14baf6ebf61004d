/** One life on the stream of six segments: an arm that is fixed, arms that are chosen among, or drawn at random. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  chooseAmong,
  type Controller,
  evaluateText,
  heldBack,
  Learner,
  type LearnerEvent,
  reservoirReplay,
  type Strategy,
  type StepReport,
  type TrialOutcome,
} from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { foldIn, keyFromSeed, profileAsync, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'
import type { SegmentedStream } from './segments.ts'

/** Rows and predictions of a step, and the model. */
export const sizes = { rows: 4, length: 32 }
const shape = { vocabulary: 256, context: sizes.length, embed: 64, heads: 4, layers: 3 }
const device = openWasm({ threads: 1 })

export type Arms = Parameters<typeof chooseAmong>[0]['arms']

/** How a life is steered: by nothing but one arm's knobs, by trials, or by lot every so many steps. */
export type Steering =
  | { readonly kind: 'fixed'; readonly arms: Arms }
  | { readonly kind: 'chosen'; readonly options: Parameters<typeof chooseAmong>[0] }
  | { readonly kind: 'drawn'; readonly arms: Arms; readonly every: number }

/** What a life came to. Losses in bits per byte. */
export interface ChoosingOutcome {
  /** Of every segment, before it was learnt. */
  readonly segments: readonly number[]
  /** On held-out text of every domain, in the end. */
  readonly heldOut: Readonly<Record<string, number>>
  /** Operations by the op table, and those of trials among them. */
  readonly operations: number
  readonly ofTrials: number
  readonly trials: readonly { readonly goesOn: string; readonly outcome: TrialOutcome }[]
}

/** What it is judged by: mean loss before learning, and in the end over what there was to know. */
export const objectiveOf = ({ segments, heldOut }: ChoosingOutcome): number =>
  (mean(segments) + mean(Object.values(heldOut))) / 2

export interface ChoosingLifeOptions {
  readonly seed: number
  /** Steps of a segment. */
  readonly steps: number
  readonly rate: number
}

export async function choosingLife(
  { segments, heldOut }: SegmentedStream,
  steering: Steering,
  { seed, steps, rate }: ChoosingLifeOptions,
): Promise<ChoosingOutcome> {
  const model = Gpt.create(shape, { device, seed })
  const learner = new Learner({
    model,
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmUp(rate, 50), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
    ),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 1000, share: 0.5, seed }),
      probes: heldBack({ share: 0.05, capacity: 200, rows: 16, every: 1e9, seed }),
      ...steered(steering, seed),
    },
  })
  const losses: number[] = []
  const [usual, ends]: number[][] = [[], []]
  for (const segment of segments) {
    const own: number[] = []
    for (let step = 0; step < steps; step++) {
      const { report, operations } = await counted(() => learner.observe(segment.batchAt(step)))
      own.push(report.bitsPerByte)
      const isEnd = report.events.some(({ kind }) => kind === 'choice')
      ;(isEnd ? ends : usual).push(operations)
    }
    losses.push(mean(own))
  }
  const found: Record<string, number> = {}
  for (const [domain, text] of Object.entries(heldOut)) {
    found[domain] = (await evaluateText(model, text)).bitsPerByte
  }
  const total = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0)
  const trials = learner.journal.flatMap((event: LearnerEvent) =>
    event.kind === 'choice' ? [{ goesOn: event.data.goesOn, outcome: event.data.outcome }] : [],
  )
  learner.dispose()
  model.dispose()
  return {
    ...{ segments: losses, heldOut: found, trials },
    operations: total(usual) + total(ends),
    // What the last step of a trial takes beyond one that is usual.
    ofTrials: total(ends) - ends.length * mean(usual),
  }
}

function steered(steering: Steering, seed: number): Strategy {
  if (steering.kind === 'chosen') return { choice: chooseAmong(steering.options) }
  const { arms } = steering
  const names = Object.keys(arms)
  const every = steering.kind === 'drawn' ? steering.every : Infinity
  const drawn = (step: number): string =>
    names[new RandomStream(foldIn(keyFromSeed(seed), Math.floor(step / every))).below(names.length)]
  const controller: Controller<null> = {
    name: `one of ${names.join(', ')}`,
    initial: null,
    decide: ({ step }) => ({ knobs: arms[drawn(step)], reason: null, state: null }),
  }
  return { controller }
}

/** A step and its operations by the op table. */
async function counted(step: () => Promise<StepReport>): Promise<{ report: StepReport; operations: number }> {
  const { result: report, profile } = await profileAsync(step, { events: 0 })
  return { report, operations: profile.rows().reduce((sum, { flops }) => sum + flops, 0) }
}
