/** Runs a learner through a stream: the outer loop around `learner.observe`. */
import {
  bitsPerByteOf,
  type Chunk,
  evaluateText,
  type PlacedBatch,
  type StepReport,
  type Strategy,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { type Check, checkArgument, checkOptions, checks, type ChecksOf, fields } from '@burgeon/tensor'
import { thinMeasurements } from './record/bounded-series.ts'
import { checkLife, type Life } from './life/life-checkpoint.ts'
import { type LifePosition, recordStep } from './record/life-record.ts'
import { lifeBatches } from './source/life-batches.ts'
import type { HeldOutText } from './life/life-origin.ts'
import { ownContext } from '../models/saved-labels.ts'
import { speakerOf } from './life/speaker.ts'

/** Measurements and callbacks of `consume`. */
export interface ConsumeOptions {
  readonly heldOut: readonly HeldOutText[]
  /**
   * The stream is one text of many domains: measured before, if it is new, and at its end, but not wherever a
   * domain ends.
   */
  readonly whole?: { readonly name: string; readonly isNew: boolean }
  /** Steps between two measurements on the held-out text; Infinity for none. */
  readonly measureEvery: number
  /**
   * Awaited whenever a domain has been learnt, after the measurement. Not called for a stream that is one
   * text.
   */
  readonly afterDomain?: (domain: string) => Promise<void>
  /** Called after every step with its report, in its turn; what it returns is awaited. */
  readonly onStep: (report: StepReport) => unknown
  /**
   * Called after every step; what it returns is awaited, so that a checkpoint sees a life between two steps.
   */
  readonly betweenSteps: () => Promise<void>
  /** Called for a step that failed when the learner had changed already. */
  readonly onHalfStep?: () => void
  /** Runs each step and measurement when its turn has come, where others work on the model too; at once unless given. */
  readonly turn?: <R>(body: () => Promise<R>) => Promise<R>
  /**
   * Awaited before each step, in its turn. Where it returns false the step is not made, and the life pauses.
   */
  readonly beforeStep?: () => Promise<boolean>
  /** When aborted, the life pauses after the step at hand. */
  readonly stop: AbortSignal
}

const { required } = checks
const optionChecks: ChecksOf<ConsumeOptions> = {
  heldOut: required(
    checks.list(
      'a list of texts { name, bytes }',
      fields('a text', { name: checks.text, bytes: checks.instance('bytes', Uint8Array) }),
    ),
  ),
  whole: fields('a stream of one text', { name: checks.text, isNew: checks.boolean }),
  measureEvery: required(checks.integer({ from: 1, infinite: true })),
  afterDomain: checks.callback(),
  onStep: required(checks.callback()),
  betweenSteps: required(checks.callback()),
  onHalfStep: checks.callback(),
  turn: checks.callback<NonNullable<ConsumeOptions['turn']>>('a function that runs another'),
  beforeStep: checks.callback<NonNullable<ConsumeOptions['beforeStep']>>(
    'a function that says whether to go on',
  ),
  stop: required(checks.role('an AbortSignal', 'aborted')),
}
const someChunks: Check<object> = checks.either(
  checks.role<Iterable<unknown>>('chunks one after another', Symbol.iterator),
  checks.role<AsyncIterable<unknown>>('as they come', Symbol.asyncIterator),
)

/**
 * Learns until the stream ends or `stop` is raised.
 *
 * @returns Whether the stream was learnt to its end.
 * @throws OptionError for what is no life, no stream, or no such option.
 */
export async function consume(
  life: Life,
  chunks: AsyncIterable<Chunk<LifePosition>> | Iterable<Chunk<LifePosition>>,
  options: ConsumeOptions,
): Promise<boolean> {
  checkLife('consume', life)
  checkArgument('consume', 'chunks', chunks, someChunks)
  checkOptions('consume', options, optionChecks)
  return consumeBatches(life, lifeBatches(life, chunks), options)
}

/** As `consume`, of batches that were made already. */
export async function consumeBatches(
  life: Life,
  batches: AsyncIterable<PlacedBatch<LifePosition>>,
  options: ConsumeOptions,
): Promise<boolean> {
  const { learner, record } = life
  const { heldOut, stop, whole, turn = atOnce } = options
  const measured = (stage: string | null, learnt: string | null): Promise<void> =>
    turn(() => measure(life, heldOut, stage, learnt))
  if (record.measurements.length === 0) await measured('before anything', null)
  else if (whole?.isNew) await measured(`before ${whole.name}`, null)
  for await (const { batch, position } of batches) {
    const [domain] = batch.domains
    const before = record.spans.at(-1)?.domain
    if (!whole && before !== undefined && before !== domain) {
      await measured(`after ${before}`, before)
      await options.afterDomain?.(before)
    }
    const goesOn = await turn(async () => {
      if ((await options.beforeStep?.()) === false) return false
      const before = learner.step
      const learnt = await learner.observe(batch).catch((error: unknown) => {
        if (learner.step !== before) options.onHalfStep?.()
        throw error
      })
      recordStep(record, learnt, position)
      await options.onStep(learnt)
      return true
    })
    if (!goesOn) return false
    if (learner.step % options.measureEvery === 0) await measured(null, null)
    await options.betweenSteps()
    if (stop.aborted) return false
  }
  if (stop.aborted) return false
  const last = whole?.name ?? record.spans.at(-1)?.domain
  if (last !== undefined) await measured(`after ${last}`, last)
  if (!whole && last !== undefined) await options.afterDomain?.(last)
  return true
}

const atOnce = <R>(body: () => Promise<R>): Promise<R> => body()

/** Measures every held-out text, once per place and stage. */
async function measure(
  { learner, record }: Life,
  heldOut: readonly HeldOutText[],
  stage: string | null,
  learnt: string | null,
): Promise<void> {
  const known = record.measurements.some((m) => m.bytes === record.bytes && m.stage === stage)
  if (known || heldOut.length === 0) return
  const losses: Record<string, number> = {}
  const { strategy } = learner
  const model = speakerOf(learner)
  for (const { name, bytes } of heldOut) {
    losses[name] = await heldOutBits(model, { name, bytes }, strategy)
  }
  record.measurements.push({ bytes: record.bytes, stage, learnt, bitsPerByte: losses })
  record.measurements = thinMeasurements(record.measurements)
}

/** Under the label of its domain where there is one, in windows of which none sees what stood before. */
async function heldOutBits(
  model: Gpt,
  { name, bytes }: HeldOutText,
  { vocabulary, context }: Strategy,
): Promise<number> {
  const contexts = ownContext(context, name)
  if (contexts.length === 0) return bitsPerByteOf(model, bytes, vocabulary?.tokenizer)
  const window = model.config.context - contexts[0].tokens.length
  const how = { contexts, window, stride: window, ...(vocabulary && { tokenizer: vocabulary.tokenizer }) }
  const { bitsPerByte } = await evaluateText(model, bytes, how)
  return bitsPerByte
}
