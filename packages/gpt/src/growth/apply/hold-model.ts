/** Keeps a model at its size while somebody works with its weights. */
import { checkArgument } from '@burgeon/tensor'
import { growthOf } from '../../growth-access.ts'
import type { Gpt } from '../../gpt.ts'
import { aGpt } from './growth-checks.ts'

/**
 * Keeps a model from growing until what it returns is disposed: the weights in hand would not be the model's
 * any more. Several may hold it at once. A learning step holds it while it waits for numbers; a training loop
 * of your own should, too.
 *
 * @example
 * ```ts
 * {
 *   using _ = holdModel(model)
 *   console.log(model.isHeld) // → true
 * }
 * ```
 */
export function holdModel(model: Gpt): Disposable {
  checkArgument('holdModel', 'model', model, aGpt)
  return growthOf(model).hold()
}
