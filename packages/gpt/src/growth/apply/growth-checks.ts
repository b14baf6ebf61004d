/** Checks of what the functions of growth take. */
import { type Check, checks, type Mirror, OptionError } from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'

/** A model. By its members: a check by its class would load the class. */
export const aGpt: Check<Gpt> = {
  ...checks.role<Gpt>('a Gpt', 'config', 'parameters', 'growthLog'),
  expected:
    'a Gpt (instead of one with packed weights, the model it was made of; that may be packed again afterwards)',
}
/** State that follows; missing methods of a mirror are found when a plan is applied. */
export const someMirrors: Check<readonly Mirror[]> = checks.list(
  'a list of mirrors (objects with name and remap)',
  checks.role<Mirror>('a mirror', 'name', 'remap'),
)

/** Throws OptionError while somebody holds a model: its weights are in use. */
export function checkFree(who: string, model: Gpt): void {
  if (!model.isHeld) return
  throw new OptionError(`${who}: the model is busy with a learning step or another growth; await that first.`)
}
