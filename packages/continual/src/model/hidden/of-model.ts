/** The hidden layers of any kind of model that has some. */
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { aDenseNetwork, type DenseNetwork } from '../dense-network.ts'
import type { Model } from '../model.ts'
import type { HiddenLayers } from './hidden-layers.ts'
import { hiddenOfDenseNetwork } from './of-dense-network.ts'
import { hiddenOfGpt } from './of-gpt.ts'

/** A model whose hidden units are known. */
export type LayeredModel = Gpt | DenseNetwork

/** Throws OptionError for a model of another kind. */
export function requireLayered(who: string, model: unknown): asserts model is LayeredModel {
  if (model instanceof Gpt || aDenseNetwork.accepts(model)) return
  throw new OptionError(
    `${who}: got a model whose hidden units are not known; expected a Gpt, a classifier or a regressor.`,
  )
}

/**
 * Throws OptionError for a model that can never have a hidden unit. A GPT may have no block yet; a dense
 * network keeps the layers that it has.
 */
export function requireHiddenUnits(who: string, model: Model): void {
  requireLayered(who, model)
  if (model instanceof Gpt || model.sizes.hidden.length > 0) return
  throw new OptionError(`${who}: got a network without hidden layers; expected one or more, such as [100].`)
}

/** The hidden layers of a model, as they are now: a third kind of model finds its place here. */
export const hiddenLayersOf = (model: LayeredModel): HiddenLayers =>
  model instanceof Gpt ? hiddenOfGpt(model) : hiddenOfDenseNetwork(model)
