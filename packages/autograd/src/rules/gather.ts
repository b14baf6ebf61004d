import { gather, scatterAdd, type Tensor } from '@burgeon/tensor'
import type { GradientRule } from './gradient-rule.ts'

/** out = table[ids]: a row's gradient is the sum over its occurrences. */
export const gatherRule: GradientRule<'gather'> = ({ inputs: [table, ids], cotangents: [dy] }) => [
  scatterAdd(ids, dy as Tensor, table.shape[0]),
]

/** table[v] = Σ values with id v: the gradient of a value is that of its row. */
export const scatterAddRule: GradientRule<'scatterAdd'> = ({ inputs: [ids], cotangents: [dy] }) => [
  undefined,
  gather(dy as Tensor, ids),
]
