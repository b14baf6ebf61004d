/** Steps on remembered rows that stand only where rows that are held back say that they did no harm. */
import { OptionError } from '@burgeon/tensor'
import { usualKnobs } from '../../control/knobs.ts'
import { momentOf } from '../../fork/moment.ts'
import type { RehearseOptions, RehearseReport } from '../../learning/rehearse.ts'
import type { Loop } from '../../learning/loop.ts'
import { harmOf } from './judged.ts'

/**
 * Takes steps on what the rehearsal samples, and undoes them, to the bit, where they did harm. Nothing is
 * observed meanwhile, so a vocabulary that grows is not in the way.
 *
 * @param tolerance In bits per byte.
 * @throws OptionError where no rows are held back, and as `rehearse`: no step stands then.
 */
export async function rehearseUnharmed(
  loop: Loop,
  steps: number,
  options: RehearseOptions,
  tolerance: number,
): Promise<RehearseReport> {
  if ((loop.parts.probes?.rows ?? 0) === 0) {
    throw new OptionError(
      'Learner: rehearse: got a tolerance, and no rows are held back that could judge; expected a strategy with probes, such as heldBack(), and rows that it has held back.',
    )
  }
  const before = await loop.measureProbes()
  const moment = await momentOf(loop)
  try {
    const report = await loop.rehearse(steps, options, usualKnobs)
    const after = await loop.measureProbes()
    const harm = harmOf(before, after, tolerance)
    if (harm !== null) moment.putBack()
    const { rehearsal } = loop.options.strategy ?? {}
    rehearsal?.settled?.(harm === null)
    if (harm !== null) {
      const { step } = loop.journal
      const part = rehearsal?.name ?? ''
      const summary = `${steps} steps on remembered rows are undone: ${harm}`
      loop.journal.add([{ kind: 'undone', step, part, summary, data: { steps, harm } }])
    }
    return { ...report, judged: { kept: harm === null, harm, before, after } }
  } catch (error) {
    moment.putBack()
    throw error
  } finally {
    moment.dispose()
  }
}
