/** The step that joins what workers have learnt apart (DiLoCo; Douillard et al. 2023, algorithm 1). */
import { mapNumbers, type Numbers, type OuterState } from './outer-state.ts'

/** What one worker has learnt: the shared weights minus its own, after some local steps. */
export interface Learnt {
  readonly steps: number
  readonly difference: Numbers
}

/** How far the outer step goes. */
export interface OuterRate {
  readonly rate: number
  readonly momentum: number
}

/**
 * The shared state after a round: descent with Nesterov momentum along the mean difference, each worker's
 * weighed by its local steps.
 *
 * Δ = Σ sᵢ·(θ − θᵢ) / Σ sᵢ, m ← μ·m + Δ, θ ← θ − η·(Δ + μ·m). Every number is worked out in double precision, in
 * the order of the workers, and rounded once: the same bits on any machine.
 *
 * @param learnt In the order in which the log has them. Without a step of any of them nothing changes.
 */
export function outerStep(
  { config, weights, momentum: before }: OuterState,
  learnt: readonly Learnt[],
  { rate, momentum }: OuterRate,
): OuterState {
  const steps = learnt.reduce((sum, each) => sum + each.steps, 0)
  if (steps === 0) return { config, weights, momentum: before }
  const mean = (path: string, i: number): number => {
    let sum = 0
    for (const { steps: own, difference } of learnt) sum += own * difference[path].data[i]
    return sum / steps
  }
  const moved: Record<string, Float32Array> = {}
  const momenta = mapNumbers(before, (path, { data }) => {
    const next = new Float32Array(data.length)
    const to = Float32Array.from(weights[path].data)
    for (let i = 0; i < data.length; i++) {
      const delta = mean(path, i)
      next[i] = momentum * data[i] + delta
      to[i] -= rate * (delta + momentum * next[i])
    }
    moved[path] = to
    return next
  })
  return { config, weights: mapNumbers(weights, (path) => moved[path]), momentum: momenta }
}
