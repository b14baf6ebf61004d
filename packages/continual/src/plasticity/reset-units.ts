/** Gives hidden units a new beginning. */
import { type Gpt, parameterSpecs } from '@burgeon/gpt'
import {
  add,
  applyPlan,
  keepAxis,
  type Mirror,
  type ParameterChange,
  type RandomKey,
  scope,
} from '@burgeon/tensor'
import { biasOf, parametersOf, saidBy, type UnitLayer } from './unit-layer.ts'

/** Units of one layer, and their mean activations. */
export interface UnitsToReset {
  readonly layer: UnitLayer
  readonly units: readonly number[]
  /** By unit; what they said on average goes into the bias of the layer above, where there is one. */
  readonly activation: readonly number[]
}

/**
 * Draws the incoming weights of units as those of a new model, and sets their outgoing weights to 0, so that
 * what they said on average stays, and nothing else. It is a plan: what all mirrors hold of these units
 * (moments, the number of steps of bias corrections, importance) begins again, and anchors take the new
 * weights.
 */
export async function resetUnits(
  model: Gpt,
  mirrors: readonly Mirror[],
  resets: readonly UnitsToReset[],
  key: RandomKey,
): Promise<void> {
  const initials = new Map(parameterSpecs(model.config).map(({ path, initial }) => [path, initial]))
  const changes = resets.flatMap(({ layer, units }) => {
    const isReset = new Set(units)
    return parametersOf(model, layer).map(({ parameter, axis, isOutgoing }): ParameterChange => {
      const { path, tensor } = parameter
      const dimensions = tensor.shape.map((size, i) => {
        const all = keepAxis(size)
        if (i !== axis) return all
        return { ...all, source: all.source.map((unit) => (isReset.has(unit) ? -1 : unit)) }
      })
      const initial = initials.get(path) ?? { kind: 'zero' }
      return { kind: 'resize', path, dimensions, fresh: isOutgoing ? { kind: 'zero' } : initial }
    })
  })
  const biases = await Promise.all(resets.map((reset) => biasAfter(model, reset)))
  applyPlan({ summary: 'units begin again', key, changes }, model.parameters, mirrors, model.device)
  scope(() => {
    for (const [i, { layer }] of resets.entries()) {
      const added = biases[i]
      if (added === null) continue
      const { tensor } = model.parameters.get(biasOf(layer.name))
      const mean = model.device.tensor(added, { shape: tensor.shape, dtype: 'f32' }, 'reset units')
      model.parameters.replace(biasOf(layer.name), add(tensor, mean))
    }
  })
}

/** What the units said on average; null where the layer above has no bias. */
async function biasAfter(
  { parameters }: Gpt,
  { layer: { name }, units, activation }: UnitsToReset,
): Promise<Float32Array | null> {
  if (!parameters.has(biasOf(name))) return null
  const { tensor } = parameters.get(saidBy(name))
  const [, width] = tensor.shape
  const weights = await tensor.read()
  const said = new Float32Array(width)
  for (const unit of units) {
    for (let c = 0; c < width; c++) said[c] += activation[unit] * weights[unit * width + c]
  }
  return said
}
