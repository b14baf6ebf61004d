/** Growth of a hidden layer of a dense network, in place. */
import {
  applyPlan,
  checkArgument,
  checkOptions,
  checks,
  type DimensionMap,
  extendAxis,
  keepAxis,
  type Mirror,
  type ParameterChange,
  type Plan,
  type RandomKey,
  undoPlan,
} from '@burgeon/tensor'
import { aDenseNetwork, type DenseNetwork } from './dense-network.ts'
import { grownSizes, type WidenHidden } from './hidden-request.ts'

/** Mirrors that follow, and the key of new weights. */
export interface WidenOptions {
  /** All state shaped like the parameters that must follow: moments, importance, anchors. */
  readonly mirrors: readonly Mirror[]
  /** Key of the random stream of new weights. */
  readonly key: RandomKey
}

/**
 * Gives a hidden layer more units; the function stays as it is, up to rounding. Parameters and mirrors grow
 * together, or nothing does.
 *
 * @returns The plan that takes it back (`applyPlan`): to the byte, if nothing was learnt since.
 * @throws OptionError for a layer that does not exist, or a size that it cannot grow to.
 */
export async function widenHidden(
  model: DenseNetwork,
  request: WidenHidden,
  options: WidenOptions,
): Promise<Plan> {
  checkArgument('widenHidden', 'model', model, aDenseNetwork)
  const { hidden } = model.sizes
  grownSizes(model.sizes, request)
  checkOptions('widenHidden', options, {
    mirrors: checks.required(
      checks.list('a list of mirrors', checks.role<Mirror>('a mirror', 'name', 'remap')),
    ),
    key: checks.required(checks.key),
  })
  const { layer, to, how = 'fresh' } = request
  const from = hidden[layer]
  const plan = planOf(model, { layer, to, how }, from, options.key)
  const undo = await undoPlan(plan, model.parameters, options.mirrors)
  applyPlan(plan, model.parameters, options.mirrors, model.device)
  return undo
}

function planOf(
  { parameters }: DenseNetwork,
  { layer, to, how }: Required<WidenHidden>,
  from: number,
  key: RandomKey,
): Plan {
  const [incoming, outgoing] =
    how === 'split' ? splitMaps(from, to) : [extendAxis(from, to), extendAxis(from, to)]
  const [width] = parameters.get(`layers.${layer}.weight`).tensor.shape
  const [, next] = parameters.get(`layers.${layer + 1}.weight`).tensor.shape
  const changes: ParameterChange[] = [
    {
      kind: 'resize',
      path: `layers.${layer}.weight`,
      dimensions: [keepAxis(width), incoming],
      fresh: { kind: 'normal', standardDeviation: Math.sqrt(2 / width) },
    },
    { kind: 'resize', path: `layers.${layer}.bias`, dimensions: [incoming], fresh: { kind: 'zero' } },
    {
      kind: 'resize',
      path: `layers.${layer + 1}.weight`,
      dimensions: [outgoing, keepAxis(next)],
      fresh: { kind: 'zero' },
    },
  ]
  return { summary: `hidden layer ${layer}: ${from} → ${to} units (${how})`, key, changes }
}

/**
 * The first `to − from` units are split in two. The outgoing shares 1/4 and 3/4 are unequal, so the halves
 * diverge, and the quarter, a power of two, makes the inverse exact.
 */
function splitMaps(from: number, to: number): readonly [incoming: DimensionMap, outgoing: DimensionMap] {
  const source = Array.from({ length: to }, (_, i) => (i < from ? i : i - from))
  const share = source.map((_, i) => (i >= from ? 0.75 : i < to - from ? 0.25 : 1))
  return [
    { from, source, gradientFactor: share },
    { from, source, valueFactor: share },
  ]
}
