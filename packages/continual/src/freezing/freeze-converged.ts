/**
 * Lets the lowest blocks settle and freezes them once their outputs change no less than before, and wakes
 * them when the world changes.
 */
import type { Gpt } from '@burgeon/gpt'
import {
  type Check,
  checkOptions,
  checks,
  checkState,
  fields,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { count, savedTokens, stateOfKind } from '../saved-state.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import { readOf } from '../stream/batch.ts'
import type { Freezing } from './freezing.ts'
import { changeBetween, type Probe, type Representation, representationsOf } from './representation-change.ts'

/**
 * When a block counts as converged, and what follows. Unless given they are what `npm run bench -- freezing`
 * measures.
 */
export interface FreezeConvergedOptions {
  /** Steps between two looks, from 1; 200 unless given. A look is a forward pass over 128 tokens. */
  readonly every?: number
  /**
   * Changes between looks, from 2, whose later half must be no smaller than the earlier in the mean; 24
   * unless given.
   */
  readonly patience?: number
  /**
   * Share by which the later half may be smaller without counting as smaller, in [0, 1); 0.15 unless given.
   */
  readonly tolerance?: number
  /**
   * Steps over which the rate of a converged block falls to 0, from 1; 500 unless given. Only then is it
   * frozen.
   */
  readonly settle?: number
  /**
   * Share of the blocks, from below, that may be frozen, in (0, 1); at least one block always learns. 0.75
   * unless given.
   */
  readonly maxShare?: number
}

/** History of one block. */
interface BlockHistory {
  readonly block: string
  /** The changes between the latest looks, oldest first. */
  readonly changes: readonly number[]
  /** Stays true until the block is woken: it freezes when those below it have converged, too. */
  readonly hasConverged: boolean
}

/** The state of a life. Plain data. */
interface State {
  readonly kind: 'freeze converged'
  /** Steps at which the lowest blocks had converged, from the lowest on. */
  readonly since: readonly number[]
  readonly probe: Probe | null
  /** By block, at the last look. */
  readonly seen: Readonly<Record<string, Representation>>
  readonly histories: readonly BlockHistory[]
}

const stateChecks: StateChecks<State> = {
  kind: checks.oneOf('freeze converged'),
  since: checks.list('steps', count),
  probe: checks.either(
    fields<Probe>('a probe', { tokens: savedTokens, length: checks.integer({ from: 1 }) }),
    { expected: 'null', accepts: (value): value is null => value === null },
  ),
  seen: checks.record('products by block', checks.numbers as Check<Representation>),
  histories: checks.list(
    'a history of every block',
    fields<BlockHistory>('a history', {
      block: checks.text,
      changes: checks.list('changes', checks.number()),
      hasConverged: checks.boolean,
    }),
  ),
}

const probeTokens = 128
const awake: State = { kind: 'freeze converged', since: [], probe: null, seen: {}, histories: [] }

/**
 * Lower layers converge first (Raghu et al. 2017, SVCCA, section 4.2), so blocks are frozen from below. A
 * block is judged by how much its output for the same 128 tokens changes between looks (1 − CKA, see
 * `changeBetween`): at first less and less, and from some time on no less than before, because what remains
 * is the noise of the learning rate. Its rate then falls to 0, so that it settles (Brock et al. 2017,
 * FreezeOut, section 3), and only then the backward pass ends above it. A drift alarm or growth wakes all
 * blocks.
 *
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * const strategy = { freezing: freezeConverged() }
 * ```
 */
export function freezeConverged(options: FreezeConvergedOptions = {}): Freezing {
  checkOptions('freezeConverged', options, {
    every: checks.integer({ from: 1 }),
    patience: checks.integer({ from: 2 }),
    tolerance: checks.number({ from: 0, below: 1 }),
    settle: checks.integer({ from: 1 }),
    maxShare: checks.number({ above: 0, below: 1 }),
  })
  const { every = 200, patience = 24, tolerance = 0.15, settle = 500, maxShare = 0.75 } = options
  const name = `freeze converged blocks, a look every ${every} steps`
  let state = awake
  const freezingEvent = (step: number, blocks: number, reason: string): LearnerEvent => {
    const what = blocks === 0 ? 'all blocks learn again' : `${blocks} of the lowest blocks settle and freeze`
    return { kind: 'freezing', step, part: name, summary: `${what}. ${reason}`, data: { blocks, reason } }
  }
  const isFlat = (changes: readonly number[]): boolean => {
    const [earlier, later] = halvesOf(changes)
    return changes.length === patience && later >= (1 - tolerance) * earlier
  }

  const look = async ({ model, fresh, step }: StepContext<Gpt>): Promise<LearnerEvent[]> => {
    if (!isOf(model, state)) state = awake
    const probe = state.probe ?? {
      tokens: readOf(fresh).slice(0, Math.max(1, Math.floor(probeTokens / fresh.length)) * fresh.length),
      length: fresh.length,
    }
    const representations = await representationsOf(model, probe)
    const histories = [...representations].map(([block, now], i): BlockHistory => {
      const [last, known] = [state.seen[block], state.histories.at(i)]
      if (last === undefined || known === undefined) return { block, changes: [], hasConverged: false }
      const changes = [...known.changes, changeBetween(last, now)].slice(-patience)
      return { block, changes, hasConverged: known.hasConverged || isFlat(changes) }
    })
    const limit = Math.min(histories.length - 1, Math.floor(maxShare * histories.length))
    const since = [...state.since]
    while (since.length < limit && histories[since.length].hasConverged) since.push(step)
    const [blocks, before] = [since.length, state.since.length]
    state = { ...awake, since, probe, seen: Object.fromEntries(representations), histories }
    if (blocks === before) return []
    // The lowest of the new ones converged at this look; those above had waited for it.
    const { block, changes } = histories[before]
    const [earlier, later] = halvesOf(changes)
    const reason =
      `block ${block} has converged: it changed by ${earlier.toFixed(3)} a look at first ` +
      `and by ${later.toFixed(3)} later, over ${patience} looks`
    return [freezingEvent(step, blocks, reason)]
  }

  return {
    name,
    sharesAt: (step) => state.since.map((at) => Math.max(0, 1 - (step - at) / settle)),
    async afterStep(context) {
      const { step, events } = context
      const disturbance = events.find(({ kind }) => kind === 'drift' || kind === 'growth')?.kind
      if (disturbance === undefined) return step % every === 0 ? look(context) : []
      const isAsleep = state.since.length > 0
      state = awake
      return isAsleep ? [freezingEvent(step, 0, disturbance)] : []
    },
    toState: (): State => state,
    restore(saved) {
      const found = stateOfKind<State>(saved, 'freeze converged')
      checkState<State>('freeze converged', found, stateChecks)
      const places = found.probe?.tokens.filter((token) => token >= 0).length ?? 0
      const isWhole = Object.values(found.seen).every(({ length }) => length === places ** 2)
      if (!isWhole || found.since.length > found.histories.length) {
        throw new StateError(
          `freeze converged: the saved state has ${found.since.length} converged blocks of ${found.histories.length} and looked at ` +
            `${places} tokens; expected no more than there are, and the products of all pairs of tokens. Is the file whole?`,
        )
      }
      state = found
    },
  }
}

/** A growth that was taken back can leave the model without a block, or the context or tokens of a probe. */
function isOf({ config: { context, vocabulary, blocks } }: Gpt, { probe, histories }: State): boolean {
  if (probe === null) return true
  const { tokens, length } = probe
  if (length > context || tokens.some((token) => token >= vocabulary)) return false
  return histories.length === blocks.length && histories.every(({ block }, i) => block === blocks[i].id)
}

/** The mean of the earlier half of a series and of the later; of an odd one, the middle is left out. */
function halvesOf(series: readonly number[]): readonly [earlier: number, later: number] {
  const half = Math.floor(series.length / 2)
  const meanOf = (part: readonly number[]): number => part.reduce((sum, x) => sum + x, 0) / half
  return [meanOf(series.slice(0, half)), meanOf(series.slice(series.length - half))]
}
