/** Carries out a plan on the parameters and every mirror: all together, or not at all. */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { Device } from '../device.ts'
import { isRecorded } from '../engine.ts'
import { add, multiply } from '../ops/elementwise/arithmetic.ts'
import { scope } from '../scope.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { checkPlan } from './check-plan.ts'
import { aMirrors, type Mirror } from './mirror.ts'
import { ParameterError, ParameterStore } from './parameter.ts'
import {
  type DimensionMap,
  inversePlan,
  isExactlyInvertible,
  type ParameterChange,
  type Plan,
  requirePlan,
} from './plan.ts'
import { averages, freshBeside, freshTensor, resize } from './resize.ts'
import { withSlices } from './slices.ts'
import { swapping } from './swaps.ts'

/**
 * Applies `plan`. A plan that can be undone to the byte, as growth can, is carried out parameter by
 * parameter, each followed by the mirrors that allow it (`piecewise`), so that only one tensor at a time
 * exists twice. If that fails on the way, it is undone. For any other plan, and for other mirrors, everything
 * new is computed first, and only when all of it exists is anything replaced.
 *
 * @param device The device for added parameters.
 * @throws ParameterError if the plan does not fit these parameters, or within a function that is being
 *   differentiated. After any error nothing has changed, unless the message says that the plan could not be
 *   undone.
 */
export function applyPlan(
  plan: Plan,
  parameters: ParameterStore,
  mirrors: readonly Mirror[],
  device: Device,
): void {
  requirePlan('applyPlan', plan)
  checkArgument('applyPlan', 'parameters', parameters, checks.instance('a ParameterStore', ParameterStore))
  checkArgument('applyPlan', 'mirrors', mirrors, aMirrors)
  checkArgument('applyPlan', 'device', device, checks.device)
  if (isRecorded()) {
    throw new ParameterError(
      `plan: "${plan.summary}" cannot be applied while gradients are being taken. Finish the step first.`,
    )
  }
  checkPlan(plan, parameters)
  if (!isExactlyInvertible(plan)) return applyAtOnce(plan, parameters, mirrors, device)
  const done: (() => void)[] = []
  try {
    // An added parameter may be a copy of another as it is before the plan, so additions come first.
    const isAdded = ({ kind }: ParameterChange): boolean => kind === 'add'
    for (const change of [...plan.changes.filter(isAdded), ...plan.changes.filter((c) => !isAdded(c))]) {
      const step = { ...plan, changes: [change] }
      const back = inversePlan({ ...plan, changes: [change] })
      applyAtOnce(step, parameters, [], device)
      const followed: Mirror[] = []
      done.push(() => {
        applyAtOnce(back, parameters, [], device)
        for (const mirror of followed) follow(mirror, back, parameters)
      })
      for (const mirror of mirrors.filter(({ piecewise }) => piecewise)) {
        follow(mirror, step, parameters)
        followed.push(mirror)
      }
    }
    scope(() => {
      const others = mirrors.filter(({ piecewise }) => !piecewise)
      const after = parameters.tensors()
      for (const commit of others.map((mirror) => mirror.remap(plan, after))) commit()
    })
  } catch (error) {
    takeBack(plan, done, error)
    throw error
  }
}

function follow(mirror: Mirror, step: Plan, parameters: ParameterStore): void {
  scope(() => {
    mirror.remap(step, parameters.tensors())()
  })
}

function takeBack({ summary }: Plan, done: readonly (() => void)[], reason: unknown): void {
  try {
    for (const undo of done.toReversed()) undo()
  } catch (error) {
    throw new ParameterError(
      `plan: "${summary}" failed half-way and could not be undone; these parameters can no longer be used. Load a checkpoint.`,
      { cause: new AggregateError([reason, error]) },
    )
  }
}

/** Computes everything new, then replaces the old by steps that cannot fail. */
function applyAtOnce(
  plan: Plan,
  parameters: ParameterStore,
  mirrors: readonly Mirror[],
  device: Device,
): void {
  scope(() => {
    const fresh = new Map<string, Tensor>()
    for (const change of plan.changes) {
      if (change.kind === 'remove') continue
      fresh.set(
        change.path,
        scope(() => newTensor(plan, change, parameters, device)),
      )
    }
    const after: Record<string, Tensor> = { ...parameters.tensors(), ...Object.fromEntries(fresh) }
    const commits = mirrors.map((mirror) => mirror.remap(plan, after))
    for (const change of plan.changes) {
      const tensor = fresh.get(change.path) as Tensor
      if (change.kind === 'resize') parameters.replace(change.path, tensor)
      else if (change.kind === 'add') parameters.add(change.path, change.axes, tensor, change.before)
      else parameters.remove(change.path)
    }
    for (const commit of commits) commit()
  })
}

function newTensor(
  plan: Plan,
  change: ParameterChange & { kind: 'resize' | 'add' },
  parameters: ParameterStore,
  device: Device,
): Tensor {
  const { path } = change
  if (change.kind === 'add') {
    const { initial, shape } = change
    if (initial.kind !== 'copy') return freshTensor(device, shape, initial, plan.key, path)
    const { tensor } = parameters.get(initial.of)
    const { factor = 1 } = initial
    return factor === 1 ? add(tensor, 0) : multiply(tensor, factor) // with numbers of its own, which can be written to
  }
  const { dimensions, fresh } = change
  const { tensor } = parameters.get(path)
  const shape = shapeOf(dimensions)
  return swapping(tensor, plan, change, shape, (x) =>
    resize(x, dimensions, 'value', () =>
      fresh.kind === 'average'
        ? averages(x, dimensions, fresh)
        : fresh.kind === 'slices'
          ? device.tensor(withSlices(dimensions, fresh.values), { shape, dtype: 'f32' }, path)
          : freshBeside(x, shape, fresh, plan.key, path),
    ),
  )
}

const shapeOf = (dimensions: readonly DimensionMap[]): Shape => dimensions.map(({ source }) => source.length)
