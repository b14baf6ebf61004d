/** Longer sequences. */
import { extended, type Key } from '@burgeon/tensor'
import type { GptConfig } from '../../gpt-config.ts'
import { parameterSpecs } from '../../parameters.ts'
import type { GrowContext } from '../growth-request.ts'
import type { PlannedGrowth } from '../plan-growth.ts'
import { checkGrows, parametersBetween, resizeAxis } from './resize-axis.ts'

/** New positions are random and small, like those of a new model. Attention is causal, so no earlier position sees them. */
export function planContext(config: GptConfig, request: GrowContext, key: Key): PlannedGrowth {
  const { context: from } = config
  const { to } = request
  checkGrows('context', from, to)
  const fresh = { kind: 'normal', standardDeviation: 0.02 } as const
  const after = { ...config, context: to }
  const changes = resizeAxis(parameterSpecs(config), 'context', extended(from, to), () => fresh)
  return {
    request,
    plan: { summary: `context ${from} → ${to}`, key, changes },
    config: after,
    parameters: parametersBetween(config, after),
  }
}
