/** Gives hidden units a new beginning. */
import {
  add,
  applyPlan,
  type InitialValues,
  keepAxis,
  type Mirror,
  type ParameterChange,
  type ParameterStore,
  type RandomKey,
  RandomStream,
  scope,
} from '@burgeon/tensor'
import type { HiddenLayer, HiddenLayers } from '../model/hidden/hidden-layers.ts'
import type { LayeredModel } from '../model/hidden/of-model.ts'

/** Units of one layer, and their mean activations. */
export interface UnitsToReset {
  readonly layer: HiddenLayer
  readonly units: readonly number[]
  /** By unit; what they wrote on average goes into the bias of the layer above, where there is one. */
  readonly activation: readonly number[]
}

/** Slices of one parameter that begin again. */
interface Slices {
  readonly axis: number
  readonly units: ReadonlySet<number>
  readonly isOutgoing: boolean
}

/**
 * Draws the incoming weights of units as those of a new model, and sets their outgoing weights to 0, so that
 * what they wrote on average stays, and nothing else. It is a plan: what all mirrors hold of these units
 * (moments, the number of steps of bias corrections, importance) begins again, and anchors take the new
 * weights.
 */
export async function resetUnits(
  { parameters, device }: LayeredModel,
  hidden: HiddenLayers,
  mirrors: readonly Mirror[],
  resets: readonly UnitsToReset[],
  key: RandomKey,
): Promise<void> {
  const slices = slicesByPath(resets)
  const random = new RandomStream(key)
  const changes = [...slices].map(([path, own]): ParameterChange => {
    const { shape } = parameters.get(path).tensor
    const dimensions = shape.map((size, i) => {
      const { units } = own.find(({ axis }) => axis === i) ?? {}
      const all = keepAxis(size)
      return { ...all, source: all.source.map((unit) => (units?.has(unit) ? -1 : unit)) }
    })
    return { kind: 'resize', path, dimensions, fresh: freshIn(hidden.drawn(path, random), shape, own) }
  })
  const means = await Promise.all(resets.map((reset) => writtenBy(parameters, reset)))
  applyPlan({ summary: 'units begin again', key, changes }, parameters, mirrors, device)
  scope(() => {
    for (const [i, { layer }] of resets.entries()) {
      const { outgoingBias: path } = layer
      if (path === null) continue
      const { tensor } = parameters.get(path)
      // A unit of the next layer that begins again has forgotten what it read.
      const [{ units }] = slices.get(path) ?? [{ units: new Set<number>() }]
      const added = means[i].map((mean, unit) => (units.has(unit) ? 0 : mean))
      const mean = device.tensor(added, { shape: tensor.shape, dtype: 'f32' }, 'reset units')
      parameters.replace(path, add(tensor, mean))
    }
  })
}

/** What units of one layer write with, those of the next may read with: a parameter can be of two layers. */
function slicesByPath(resets: readonly UnitsToReset[]): Map<string, Slices[]> {
  const found = new Map<string, Slices[]>()
  for (const { layer, units } of resets) {
    for (const { path, axis, isOutgoing } of layer.parameters) {
      found.set(path, [...(found.get(path) ?? []), { axis, units: new Set(units), isOutgoing }])
    }
  }
  return found
}

/** New numbers of a parameter: those drawn for incoming weights, 0 in outgoing slices. */
function freshIn(
  drawn: Float32Array | null,
  shape: readonly number[],
  slices: readonly Slices[],
): InitialValues {
  if (drawn === null || slices.every(({ isOutgoing }) => isOutgoing)) return { kind: 'zero' }
  const outgoing = slices.find(({ isOutgoing }) => isOutgoing)
  if (outgoing === undefined) return { kind: 'values', values: drawn }
  const stride = shape.slice(outgoing.axis + 1).reduce((product, n) => product * n, 1)
  const unitOf = (i: number): number => Math.floor(i / stride) % shape[outgoing.axis]
  return { kind: 'values', values: drawn.map((x, i) => (outgoing.units.has(unitOf(i)) ? 0 : x)) }
}

/** What the units wrote on average. */
async function writtenBy(
  parameters: ParameterStore,
  { layer, units, activation }: UnitsToReset,
): Promise<Float32Array> {
  const { tensor } = parameters.get(layer.outgoing)
  const [, width] = tensor.shape
  const weights = await tensor.read()
  const written = new Float32Array(width)
  for (const unit of units) {
    for (let c = 0; c < width; c++) written[c] += activation[unit] * weights[unit * width + c]
  }
  return written
}
