/** The contract of a controller, as statements to be checked in any test runner. */
import { checkArgument } from '@burgeon/tensor'
import { type CheckResult, isSame, statements } from '@burgeon/tensor/testing'
import { aController, type Controller, type ControlSignals } from '../../control/controller.ts'
import { type Decided, decided } from '../../control/decided.ts'

/** Steps of a made-up life, measurements of it, and where the stream changes. */
const [steps, measuredEvery, changesAt] = [1200, 100, 600]

/**
 * Checks a controller on made-up lives, the same in every run: one that only learns, one that forgets what it
 * knew when the stream changes, and one that is never measured.
 *
 * @throws OptionError unless `controller` is a controller.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkController(forgetAtMost(0.05))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkController<S>(controller: Controller<S>): CheckResult[] {
  checkArgument('checkController', 'controller', controller, aController)
  const lives = (['learns', 'forgets', 'is not measured'] as const).map((course) =>
    Array.from({ length: steps }, (_, i) => signalsAt(course, i + 1)),
  )
  const inEach = (complaint: (life: readonly ControlSignals[]) => string | null) => (): string | null =>
    lives.map(complaint).find((found) => found !== null) ?? null
  return statements(controller.name, [
    [
      'decides after every step, with knobs that are 0 or more',
      inEach((life) => {
        lived(controller, life)
        return null
      }),
    ],
    [
      'returns the same for the same, and changes nothing that it is given',
      inEach((life) => purity(controller, life)),
    ],
    [
      'goes on the same after its state was saved as JSON, at any step',
      inEach((life) =>
        isSame(lived(controller, life), lived(controller, life, throughJson)) ? null : 'it went on otherwise',
      ),
    ],
    [
      'takes every state that it was in',
      inEach((life) => {
        const refused = lived(controller, life).findIndex(
          ({ state }) => controller.stateCheck?.accepts(state) === false,
        )
        return refused < 0 ? null : `it refused the one of step ${refused + 1}`
      }),
    ],
  ])
}

type Course = 'learns' | 'forgets' | 'is not measured'

function signalsAt(course: Course, step: number): ControlSignals {
  const isAfter = step > changesAt
  const forgotten = course === 'forgets' && isAfter ? 0.002 * (step - changesAt) : 0
  const old = { rows: 32, bits: 2 + forgotten, forgotten }
  const latest = { rows: 8, bits: 3, forgotten: 0 }
  const isMeasured = course !== 'is not measured' && step % measuredEvery === 0
  return {
    step,
    bitsPerByte:
      2 +
      4 * 2 ** (-(isAfter && course === 'forgets' ? step - changesAt : step) / 100) +
      0.1 * Math.sin(step),
    stepsSinceDrift: course === 'forgets' && isAfter ? step - changesAt - 1 : null,
    probes: isMeasured ? { old, ...(isAfter && { latest }) } : null,
  }
}

/** Every decision of a life. */
function lived<S>(
  controller: Controller<S>,
  life: readonly ControlSignals[],
  between: (state: S) => S = (state) => state,
): Decided<S>[] {
  let state = controller.initial
  return life.map((signals) => {
    const decision = decided(controller, structuredClone(signals), between(state))
    state = decision.state
    return decision
  })
}

function purity<S>(controller: Controller<S>, life: readonly ControlSignals[]): string | null {
  let state = controller.initial
  for (const signals of life) {
    const [given, before] = [structuredClone(signals), structuredClone(state)]
    const first = decided(controller, given, state)
    if (!isSame(first, decided(controller, given, state)))
      return `at step ${signals.step} it decided two things`
    if (!isSame([given, state], [signals, before]))
      return `at step ${signals.step} it changed what it was given`
    state = first.state
  }
  return null
}

const throughJson = <S>(state: S): S => JSON.parse(JSON.stringify(state)) as S
