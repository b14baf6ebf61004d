import { run } from '@burgeon/tensor'
import type { GradientRule } from './rule-table.ts'

export const crossEntropyRule: GradientRule<'crossEntropy'> = ({ inputs, outputs, cotangents }) => {
  const [dLosses, dLogSumExp] = cotangents
  if (dLosses === undefined || dLogSumExp !== undefined) return null
  return run('crossEntropyGrad', [dLosses, inputs[0], inputs[1], outputs[1]], {})
}
