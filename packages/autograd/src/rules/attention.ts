import { runOp } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

export const attentionRule: GradientRule<'attention'> = ({
  inputs,
  outputs,
  attrs,
  cotangents: [dO, dLse],
}) => {
  if (dO === undefined || dLse !== undefined) return null
  return runOp('attentionGrad', [dO, ...inputs, ...outputs], attrs)
}
