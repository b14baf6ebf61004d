/** Many machines: what they take. */
export {
  type Assumptions,
  type PlannedDevice,
  type Precision,
  usualAssumptions,
} from './plan/assumptions.ts'
export {
  makePlan,
  type Plan,
  type PlannedExchange,
  type PlannedSplit,
  type PlanQuestion,
} from './plan/make-plan.ts'
export type { PlannedMemory } from './plan/memory.ts'
export { plannedModel, type PlannedSizes } from './plan/planned-model.ts'
