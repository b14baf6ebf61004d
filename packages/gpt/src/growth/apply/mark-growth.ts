/** The size of a model and its growth log at one moment, and back: for what is tried and then forgotten. */
import { checkArgument, OptionError, sameShape } from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'
import { growthOf } from '../../growth-access.ts'
import { parameterSpecs } from '../../config/parameters.ts'
import { aGpt, checkFree } from './growth-checks.ts'

/**
 * Returns what gives a model the configuration and the growth log back that it has now, without a word in the
 * log. Its parameters must have been put back before (`shareParameters`); mirrors are the caller's.
 *
 * @param from The model whose configuration and growth log are to come back: the same as it is now unless
 *   given.
 * @throws OptionError, of both, while someone holds the model; of what is returned, unless the parameters are
 *   those of the configuration that is to come back. Nothing has changed then.
 */
export function markGrowth(model: Gpt, from: Gpt = model): () => void {
  checkArgument('markGrowth', 'model', model, aGpt)
  checkArgument('markGrowth', 'from', from, aGpt)
  checkFree('markGrowth', model)
  const { config, growthLog } = from
  const access = growthOf(model)
  return () => {
    checkFree('markGrowth', model)
    const specs = parameterSpecs(config)
    const fits = ({ path, shape }: (typeof specs)[number]): boolean =>
      model.parameters.has(path) && sameShape(model.parameters.get(path).tensor.shape, shape)
    if (specs.length !== Object.keys(model.parameters.tensors()).length || !specs.every(fits)) {
      throw new OptionError(
        'markGrowth: the parameters are not those of the size that is to come back; expected them to be put back first.',
      )
    }
    access.reconfigure(config)
    access.resumeLog(growthLog)
  }
}
