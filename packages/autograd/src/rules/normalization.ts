import { runOp } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

export const layerNormRule: GradientRule<'layerNorm'> = ({ inputs: [x, gain], outputs, cotangents }) => {
  const [dy, dMean, dRstd] = cotangents
  if (dy === undefined || dMean !== undefined || dRstd !== undefined) return null
  return runOp('layerNormGrad', [dy, x, gain, outputs[1], outputs[2]], {})
}

export const rmsNormRule: GradientRule<'rmsNorm'> = ({
  inputs: [x, gain],
  outputs,
  cotangents: [dy, dRrms],
  attrs: { width },
}) => {
  if (dy === undefined || dRrms !== undefined) return null
  return runOp('rmsNormGrad', [dy, x, gain, outputs[1]], width === undefined ? {} : { width })
}
