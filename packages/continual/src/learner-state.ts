/** A learner as plain data, and back. */
import type { GptState } from '@burgeon/gpt'
import { type Check, checkArgument, checks, OptionError, type ParameterStore } from '@burgeon/tensor'
import type { JournalState } from './journal/journal.ts'
import type { KeptPart } from './part.ts'
import type { Batch } from './stream/batch.ts'
import type { TrialPlan } from './upkeep/trying.ts'

/** Saved state of a part. */
export interface PartState {
  readonly role: string
  readonly name: string
  /** Plain data: JSON values and typed arrays. */
  readonly state: unknown
}

/** Everything a learner knows, as plain data: what a checkpoint holds. */
export interface LearnerState<S = GptState> extends JournalState {
  readonly model: S
  readonly parts: readonly PartState[]
  /** What is being tried; nothing unless given. */
  readonly trial?: TrialState
}

/** A trial in the middle: how it began, and what has been observed since. Plain data. */
export interface TrialState {
  /** Name of the part that has it tried. */
  readonly part: string
  readonly plan: TrialPlan
  /** The learner as it was when the trial began. */
  readonly beginning: LearnerState<unknown>
  /** What was observed since, one entry a step. */
  readonly observed: readonly (Batch | string)[]
  /** Operations of the steps of the first arm. */
  readonly operations: number
  /** Sum of its weights over the late ones of them. */
  readonly sum: unknown
}

/**
 * A learner as versions up to 0.1 wrote it: each role in a field of its own, and of the parts the names
 * alone.
 */
export interface FieldsByRole extends JournalState {
  readonly model: GptState
  readonly parts: readonly string[]
  readonly optimizer: unknown
  readonly penalties: readonly unknown[]
  /** The state of the rehearsal, or of the latest rows; null where nothing was kept. */
  readonly rehearsal: unknown
  readonly detector: unknown
  readonly policy: unknown
  readonly lastGrowth: number
  // The first learners had none of these.
  readonly watches?: readonly unknown[]
  readonly vocabulary?: unknown
  readonly freezing?: unknown
}

const aSavedLearner: Check<SavedLearner> = checks.role('the state of a learner', 'parts', 'journal')

/** A saved learner, of this version or of an earlier one, without the model that a checkpoint keeps apart. */
export type SavedLearner = Omit<LearnerState, 'model'> | Omit<FieldsByRole, 'model'>

/** Roles that one part can have. */
const singleRoles = [
  'optimizer',
  'rehearsal',
  'detector',
  'growth',
  'freezing',
  'vocabulary',
  'recall',
  'average',
  'context',
] as const
type SingleRole = (typeof singleRoles)[number]

/** The state of the part of a role in a saved learner; undefined if it had none. */
export function savedPart(saved: SavedLearner, role: SingleRole): unknown {
  checkArgument('savedPart', 'saved', saved, aSavedLearner)
  checkArgument('savedPart', 'role', role, checks.oneOf(...singleRoles))
  if (!hasNamesOnly(saved)) return saved.parts.find((part) => part.role === role)?.state
  // Those learners recalled, averaged and labelled nothing.
  if (role === 'recall' || role === 'average' || role === 'context') return undefined
  const { policy, lastGrowth } = saved
  return (role === 'growth' ? { policy, lastGrowth } : saved[role]) ?? undefined
}

/** Names of the parts that a saved learner was built from. */
export function savedPartNames(saved: SavedLearner): readonly string[] {
  checkArgument('savedPartNames', 'saved', saved, aSavedLearner)
  return hasNamesOnly(saved) ? saved.parts : saved.parts.filter(isChosen).map(({ name }) => name)
}

/** Takes the states of all parts that keep one. */
export async function statesOf(kept: readonly KeptPart[]): Promise<PartState[]> {
  return Promise.all(
    kept.map(async ({ role, part }) => ({ role, name: part.name, state: (await part.toState?.()) ?? null })),
  )
}

/**
 * Gives every part its state.
 *
 * @throws OptionError if the parts are not those that were saved, and what they throw.
 */
export function restoreParts(
  kept: readonly KeptPart[],
  saved: SavedLearner,
  parameters: ParameterStore,
): void {
  const states = hasNamesOnly(saved) ? fromFields(saved, kept) : saved.parts
  checkGuarded(kept, saved)
  checkSame(kept, hasNamesOnly(saved) ? saved.parts : states.filter(isChosen).map(({ name }) => name))
  const left = [...states]
  for (const { role, part } of kept) {
    const at = left.findIndex((one) => one.role === role)
    if (at < 0) continue
    // Also that of a part that keeps nothing, or the next of its role would take it.
    const [{ state }] = left.splice(at, 1)
    part.restore?.(state, parameters)
  }
}

/**
 * Rows that are remembered though nothing is rehearsed are nobody's choice, and a guard stands before the
 * learner: one may come later, or be another.
 */
const isChosen = ({ role }: { readonly role: string }): boolean => role !== 'memory' && role !== 'guard'

/** Throws OptionError where a guard stood and none does. */
function checkGuarded(kept: readonly KeptPart[], saved: SavedLearner): void {
  const isGuard = ({ role }: { readonly role: string }): boolean => role === 'guard'
  if (hasNamesOnly(saved) || kept.some(isGuard) || !saved.parts.some(isGuard)) return
  throw new OptionError(
    'learner: the saved one had a guard; got none, and everything would be learnt. Give it one, such as guards() for none at all.',
  )
}

/** Throws OptionError unless the parts have these names. */
function checkSame(kept: readonly KeptPart[], saved: readonly string[]): void {
  const own = kept.filter(isChosen).map(({ part }) => part.name)
  const inOrder = (names: readonly string[]): string => names.toSorted((a, b) => (a < b ? -1 : 1)).join()
  if (inOrder(own) === inOrder(saved)) return
  throw new OptionError(
    `learner: the saved one was made of ${saved.join(', ')}; got ${own.join(', ')}. Build it the same way.`,
  )
}

/** Returns whether a state is of an earlier version, which kept the names of its parts alone. */
export const hasNamesOnly = (saved: SavedLearner): saved is Omit<FieldsByRole, 'model'> =>
  'optimizer' in saved

/** The states of a learner of an earlier version; the parts that are to take them know their roles. */
function fromFields(saved: Omit<FieldsByRole, 'model'>, kept: readonly KeptPart[]): PartState[] {
  const { penalties, watches = [], policy, lastGrowth } = saved
  const [nextPenalty, nextWatch] = [penalties.values(), watches.values()]
  const states: Readonly<Record<string, () => unknown>> = {
    optimizer: () => saved.optimizer,
    rehearsal: () => saved.rehearsal,
    memory: () => saved.rehearsal,
    penalty: () => nextPenalty.next().value,
    detector: () => saved.detector,
    growth: () => ({ policy, lastGrowth }),
    freezing: () => saved.freezing,
    watch: () => nextWatch.next().value,
    vocabulary: () => saved.vocabulary,
  }
  return kept.flatMap(({ role, part: { name } }) => {
    // Of all other roles those learners had none, which is said where names are compared.
    const state = Object.hasOwn(states, role) ? states[role]() : null
    // The first learners kept no rows unless they rehearsed.
    return role === 'memory' && state === null ? [] : [{ role, name, state }]
  })
}
