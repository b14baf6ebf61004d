/** What `burgeon plan --simulate` says. */
import { type Assumptions, type Plan, type SimulatedWay, simulatePlan } from '@burgeon/cluster'
import { compactCount, count, duration, many } from '../../terminal/quantities.ts'
import { table } from '../../terminal/table.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import type { PlanOptions } from './plan.ts'

/** The ways in which the copies of a plan may learn, simulated; undefined where nobody asks. */
export function simulationOf(
  plan: Plan,
  { simulate: rounds, variation, machineDays, batch }: PlanOptions,
  { localSteps, batchTokens }: Assumptions,
  rehearsal: number,
): SimulatedWay[] | undefined {
  if (rounds === undefined) {
    const idle = variation === undefined ? machineDays && 'machine-days' : 'variation'
    if (idle === undefined || idle === 0) return undefined
    throw new UsageError(`plan: got --${idle} without --simulate; expected rounds to simulate.`)
  }
  return simulatePlan(plan, {
    // Those of them that are fresh, as the plan counts them.
    ...{ rounds, localSteps, batchTokens: (batch ?? batchTokens) / (1 + rehearsal) },
    ...(variation !== undefined && { variation }),
    ...(machineDays !== undefined && { machineDays }),
  })
}

const share = (x: number): string => `${(100 * x).toFixed(1)} %`

/** A row of figures for each way. */
export function simulatedRows(ways: readonly SimulatedWay[]): string[][] {
  return ways.map(({ localSteps, quorum, simulation }) => [
    localSteps === 1 ? 'after every step' : `every ${localSteps} steps`,
    count(quorum),
    duration(simulation.roundSeconds.mean),
    duration(simulation.roundSeconds.p99),
    `${compactCount(simulation.tokensPerSecond)} tokens/s`,
    share(simulation.lost),
    share(simulation.utilization),
  ])
}

/** The heads of their columns. */
export const simulatedHeads: readonly string[] = [
  ...[
    'copies exchange',
    'waits for',
    'a round',
    '99 of 100 within',
    'learnt',
    'lost',
    'busy with what counts',
  ],
]

/** The table in the terminal. */
export function simulatedText(
  ways: readonly SimulatedWay[],
  { simulate = 0, variation = 0.1, machineDays = 264 }: PlanOptions,
): string {
  const about = `Simulated, ${many(simulate, 'round')} each; steps vary by ${share(variation)}, a machine fails once in ${count(machineDays)} days:`
  return `${about}\n${table([...simulatedHeads], simulatedRows(ways))}\n`
}
