/** The contract of an upkeep part, as statements to be checked in any test runner. */
import { adamw } from '@burgeon/autograd/optim'
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import type { LearnerEvent } from '../../journal/event.ts'
import { Learner } from '../../learner.ts'
import type { LearnerState } from '../../learner-state.ts'
import type { LearnerOptions } from '../../learner-options.ts'
import type { LayeredModel } from '../../model/hidden/of-model.ts'
import type { Model } from '../../model/model.ts'
import type { StrategyOf } from '../../strategy/strategy.ts'
import { anUpkeep, type Upkeep } from '../../upkeep/upkeep.ts'
import { type UpkeepWorld, upkeepWorlds } from './upkeep-worlds.ts'

/** What a part must do in the life that it is tried in. */
export interface UpkeepExpectation {
  /** Steps of the life, from 6 to 10,000. Default 12. */
  readonly steps?: number
  /** Whether it changes weights, and says so in an event. Default true. */
  readonly acts?: boolean
  /** The model that it looks after. Default `gpt`. */
  readonly model?: keyof typeof upkeepWorlds
}

/**
 * Checks a part in the life of a small model under AdamW, with and without growth in the middle, the same in
 * every run.
 *
 * @param make Makes a fresh part.
 * @throws OptionError if `make` does not return an upkeep part, and for an expectation that does not exist or
 *   is outside its range.
 */
export async function checkUpkeep(
  make: () => Upkeep<LayeredModel>,
  expectation: UpkeepExpectation = {},
): Promise<CheckResult[]> {
  checkArgument('checkUpkeep', 'make', make, checks.callback('a function that makes an upkeep part'))
  checkOptions('checkUpkeep', expectation, {
    steps: checks.integer({ from: 6, to: 10_000 }),
    acts: checks.boolean,
    model: checks.oneOf('gpt', 'dense network'),
  })
  const { steps = 12, acts = true, model = 'gpt' } = expectation
  const world = upkeepWorlds[model]
  const made = (): Upkeep<LayeredModel> => {
    const part = make()
    if (anUpkeep.accepts(part)) return part
    throw new OptionError(`checkUpkeep: got ${shown(part)} from make; expected an upkeep part.`)
  }
  const { name } = made()
  const [half, grows] = [Math.floor(steps / 2), Math.floor(steps / 3)]
  const part = made()
  const whole = await lived(world, [part], steps, Infinity)
  const without = await lived(world, [], steps, Infinity)
  const resumed = await complaintOf(() => resumes(world, made, half, Infinity, whole))
  const grown = await complaintOf(async () =>
    resumes(world, made, half, grows, await lived(world, [made()], steps, grows)),
  )
  const promises: Promised[] = [
    [
      acts ? 'changes weights, and says so' : 'changes nothing where nothing is to be done',
      () => wrongDeeds(whole, without, name, acts),
    ],
    ['says of its events whose they are, and in which step', () => strangeEvent(whole, name)],
    ['leaves every number finite', () => strayNumber(whole.state)],
    ['goes on to the bit after its state was saved and restored', () => resumed],
    ['survives growth in the middle, and goes on to the bit after that', () => grown],
    [
      'refuses a state that is not its own, and stays unchanged',
      () =>
        part.restore === undefined
          ? null
          : takenStates(
              (state) => part.restore?.(state, whole.learner.model.parameters),
              () => part.toState?.(),
            ),
    ],
  ]
  return statements(name, promises)
}

interface Life {
  readonly learner: Learner<Model>
  readonly state: LearnerState
  /** Events of each step. */
  readonly events: readonly (readonly LearnerEvent[])[]
}

const device = openReference()

async function lived(
  world: UpkeepWorld,
  upkeep: readonly Upkeep[],
  steps: number,
  grows: number,
): Promise<Life> {
  const strategy = world.strategyOf(upkeep, grows)
  // What of it needs a GPT is there for a GPT alone.
  const options = { model: world.made(device), optimizer: adamw({ learningRate: 0.01 }), strategy }
  return goOn(world, new Learner(options as LearnerOptions<Model>), 0, steps)
}

async function goOn(world: UpkeepWorld, learner: Learner<Model>, from: number, to: number): Promise<Life> {
  const events: (readonly LearnerEvent[])[] = []
  for (let step = from; step < to; step++) events.push((await learner.observe(world.rowsAt(step))).events)
  return { learner, state: copied(await learner.toState()) as LearnerState, events }
}

function wrongDeeds(whole: Life, without: Life, name: string, acts: boolean): string | null {
  const isChanged = !isSame(whole.state.model.weights, without.state.model.weights)
  const isSaid = whole.events.flat().some(({ part }) => part === name)
  if (isChanged === acts && isSaid === acts) return null
  return `weights changed: ${isChanged}; an event: ${isSaid}; in ${whole.events.length} steps`
}

function strangeEvent({ events }: Life, name: string): string | null {
  for (const [i, ofStep] of events.entries()) {
    const strange = ofStep.find(
      (event) => event.step !== i + 1 || event.part !== name || event.summary === '',
    )
    if (strange !== undefined) return `in step ${i + 1}: ${JSON.stringify(strange)}`
  }
  return null
}

function strayNumber({ model }: LearnerState): string | null {
  const stray = Object.entries(model.weights).find(([, { data }]) => !Array.from(data).every(Number.isFinite))
  return stray === undefined ? null : `not so ${stray[0]}`
}

async function resumes(
  world: UpkeepWorld,
  make: () => Upkeep,
  half: number,
  grows: number,
  whole: Life,
): Promise<string | null> {
  const first = await lived(world, [make()], half, grows)
  const options = {
    modelFromState: (saved: unknown) => world.fromState(saved, device),
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: world.strategyOf([make()], grows) as StrategyOf<Model>,
  }
  const learner = Learner.fromState<Model>(first.state, options)
  const { state } = await goOn(world, learner, half, whole.events.length)
  if (!isSame(state.model.weights, whole.state.model.weights)) return 'the weights are others'
  return isSame(state.parts, whole.state.parts) ? null : 'what parts keep is other'
}
