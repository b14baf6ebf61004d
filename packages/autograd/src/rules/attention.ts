import { run } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

export const attentionRule: GradientRule<'attention'> = ({
  inputs,
  outputs,
  attrs,
  cotangents: [dO, dLse],
}) => {
  if (dO === undefined || dLse !== undefined) return null
  return run('attentionGrad', [dO, ...inputs, ...outputs], attrs)
}
