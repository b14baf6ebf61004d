import { runOp } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

export const crossEntropyRule: GradientRule<'crossEntropy'> = ({ inputs, outputs, cotangents }) => {
  const [dLosses, dLogSumExp] = cotangents
  if (dLosses === undefined || dLogSumExp !== undefined) return null
  return runOp('crossEntropyGrad', [dLosses, inputs[0], inputs[1], outputs[1]], {})
}

export const linearCrossEntropyRule: GradientRule<'linearCrossEntropy'> = (call) => {
  const [x, w, targets] = call.inputs
  const [dLosses, dLogSumExp] = call.cotangents
  if (dLosses === undefined || dLogSumExp !== undefined) return null
  return runOp('linearCrossEntropyGrad', [dLosses, x, w, targets, call.outputs[1]], {})
}
