/** The contract of a choice, as statements to be checked in any test runner. */
import { checkArgument, shown } from '@burgeon/tensor'
import { type CheckResult, isSame, statements } from '@burgeon/tensor/testing'
import { aChoice, type Choice } from '../../choice/choice.ts'
import type { TriedArm, TrialOutcome } from '../../journal/trials/trial-outcome.ts'

/** Steps of a made-up life, and the one with which the stream changes. */
const [steps, changesAt] = [4000, 2000]

/** What trials find: nothing, failures, or that some arms are better, and others after a change. */
const courses = ['equal', 'failing', 'different'] as const
type Course = (typeof courses)[number]

/** What a choice did: whom it tried from a step on, or what it decided. */
type Deed =
  | { readonly step: number; readonly rivals: readonly string[]; readonly incumbent: string }
  | {
      readonly outcome: TrialOutcome
      readonly goesOn: string
      readonly reason: string
      readonly incumbent: string
    }

/**
 * Checks a choice on made-up lives of 4,000 steps, the same in every run: trials in which no arm is better,
 * in which all but the first fail, and in which arms differ, otherwise after the stream has changed.
 *
 * @param choice One of several arms, which tries some within 2,000 steps.
 * @throws OptionError unless `choice` is a choice.
 * @example
 * ```ts
 * const choice = chooseAmong({ arms: { usual: {}, eager: { rate: 2 } } })
 * for (const { statement, holds, detail } of checkChoice(choice)) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkChoice<S>(choice: Choice<S>): CheckResult[] {
  checkArgument('checkChoice', 'choice', choice, aChoice)
  const inEach =
    (complaint: (choice: Choice<S>, course: Course) => string | null, those: readonly Course[] = courses) =>
    (): string | null =>
      those.map((course) => complaint(choice, course)).find((found) => found !== null) ?? null
  return statements(choice.name, [
    ['tries other arms than the one that is lived, each once', inEach(rivalsOf)],
    ['goes on in one of the arms that were tried, and lives that one then', inEach(endsOf)],
    ['stays with the arm that is lived where no other is better', inEach(stays, ['equal', 'failing'])],
    ['returns the same for the same, and changes nothing that it is given', inEach(purity)],
    ['goes on the same after its state was saved as JSON, at any step', inEach(resumes)],
    ['takes every state that it was in', inEach(refuses)],
  ])
}

/** What a trial of some arms would find. The gain of an arm is that of its place among all. */
function outcomeOf<S>(
  { arms }: Choice<S>,
  course: Course,
  tried: readonly string[],
  step: number,
): TrialOutcome {
  const names = Object.keys(arms)
  const levelOf = (arm: string): number => {
    const place = names.indexOf(arm)
    return 0.1 * (step < changesAt ? place : names.length - place)
  }
  const found = tried.map((arm, i): TriedArm => {
    const usual = { arm, bits: 3, gain: 0, error: 0, operations: 1e9 }
    if (i === 0 || course === 'equal') return usual
    if (course === 'failing') return { ...usual, bits: null }
    const gain = levelOf(arm) - levelOf(tried[0])
    return { ...usual, bits: 3 - gain, gain, error: 0.01 }
  })
  return { step, rows: 32, arms: found, extra: 1e9, progress: null }
}

/** Everything that a choice does in a life. */
function lived<S>(choice: Choice<S>, course: Course, between: (state: S) => S = (state) => state): Deed[] {
  let state = choice.initial
  const deeds: Deed[] = []
  for (let step = 1; step <= steps; step++) {
    state = between(state)
    const incumbent = choice.incumbentOf(state)
    const rivals = choice.rivals({ step, drift: step === changesAt }, state)
    if (rivals.length === 0) continue
    deeds.push({ step, rivals, incumbent })
    step += choice.steps
    const outcome = outcomeOf(choice, course, [incumbent, ...rivals], step)
    const { goesOn, reason, state: after } = choice.decide(outcome, between(state))
    state = after
    deeds.push({ outcome, goesOn, reason, incumbent: choice.incumbentOf(state) })
  }
  return deeds
}

function rivalsOf<S>(choice: Choice<S>, course: Course): string | null {
  const names = Object.keys(choice.arms)
  const deeds = lived(choice, course)
  if (deeds.length === 0) return 'it tried none'
  for (const deed of deeds) {
    if (!('rivals' in deed)) continue
    const { step, rivals, incumbent } = deed
    const isWrong = rivals.some((arm) => arm === incumbent || !names.includes(arm))
    if (isWrong || new Set(rivals).size < rivals.length)
      return `at step ${step} it would try ${shown(rivals)} beside ${shown(incumbent)}`
  }
  return null
}

function endsOf<S>(choice: Choice<S>, course: Course): string | null {
  for (const deed of lived(choice, course)) {
    if (!('goesOn' in deed)) continue
    const { outcome, goesOn, reason, incumbent } = deed
    if (!outcome.arms.some(({ arm }) => arm === goesOn))
      return `at step ${outcome.step} ${shown(goesOn)} was to go on, which was not tried`
    if (incumbent !== goesOn)
      return `at step ${outcome.step} ${goesOn} was to go on, and ${shown(incumbent)} is lived`
    if (typeof reason !== 'string') return `at step ${outcome.step} its reason was ${shown(reason)}`
  }
  return null
}

function stays<S>(choice: Choice<S>, course: Course): string | null {
  const first = choice.incumbentOf(choice.initial)
  const left = lived(choice, course).find(({ incumbent }) => incumbent !== first)
  return left === undefined ? null : `it went over to ${left.incumbent}`
}

function purity<S>(choice: Choice<S>, course: Course): string | null {
  let complaint: string | null = null
  const watched: Choice<S> = {
    ...choice,
    rivals: (signals, state) => twice(signals, state, (...given) => choice.rivals(...given)),
    decide: (outcome, state) => twice(outcome, state, (...given) => choice.decide(...given)),
  }
  const twice = <G, R>(given: G, state: S, ask: (given: G, state: S) => R): R => {
    const before = structuredClone([given, state])
    const [first, second] = [ask(given, state), ask(given, state)]
    if (!isSame(first, second)) complaint ??= 'it said two things'
    if (!isSame([given, state], before)) complaint ??= 'it changed what it was given'
    return first
  }
  lived(watched, course)
  return complaint
}

function resumes<S>(choice: Choice<S>, course: Course): string | null {
  const throughJson = (state: S): S => JSON.parse(JSON.stringify(state)) as S
  return isSame(lived(choice, course), lived(choice, course, throughJson)) ? null : 'it went on otherwise'
}

function refuses<S>(choice: Choice<S>, course: Course): string | null {
  let refused = false
  lived(choice, course, (state) => {
    refused ||= !choice.stateCheck.accepts(state)
    return state
  })
  return refused ? 'it refused one' : null
}
