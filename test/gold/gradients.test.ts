/**
 * The gradient of every op that has one beside PyTorch's. See `write-gradients.py`.
 *
 * Reaches inside autograd for the table of rules: an op that gets a rule must get a case here.
 */
import { valueAndGrad } from '@burgeon/autograd'
import * as t from '@burgeon/tensor'
import { type Device, type Engine, type OpName, type Tensor, withEngine } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { rules } from '../../packages/autograd/src/rules/rule-table.ts'
import { distance, type GoldTensor, placed, readGold } from './read-gold.ts'

interface GradientGold {
  readonly name: string
  readonly inputs: readonly GoldTensor[]
  readonly output: GoldTensor
  readonly cotangent: GoldTensor
  readonly gradients: readonly GoldTensor[]
}

const cases = readGold('gradients.json') as GradientGold[]
const integers = (device: Device, data: readonly number[], shape = [data.length]): Tensor =>
  device.tensor(data, { shape, dtype: 'i32' })
const ids = (device: Device): Tensor => integers(device, [2, 0, 2, 4, 1, 2], [2, 3])
const targets = (device: Device): Tensor => integers(device, [3, -1, 0, 6])

const seen = (device: Device): Tensor =>
  integers(device, [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 1], [1, 1, 4, 4])

type Call = (...inputs: Tensor[]) => Tensor

/** By the names of the cases. */
const calls: Readonly<Record<string, Call>> = {
  ...{ add: t.add, subtract: t.subtract, multiply: t.multiply, divide: t.divide },
  ...{ minimum: t.minimum, maximum: t.maximum, negate: t.negate, abs: t.abs, exp: t.exp, log: t.log },
  ...{ sqrt: t.sqrt, tanh: t.tanh, erf: t.erf, sin: t.sin, cos: t.cos, square: t.square },
  ...{ sigmoid: t.sigmoid, relu: t.relu, softplus: t.softplus, silu: t.silu, gelu: t.gelu },
  where: (c, a, b) => t.where(t.less(c, 0), a, b),
  sum: (x) => t.sum(x, { axes: [0, 2] }),
  'sum, dimensions kept': (x) => t.sum(x, { axes: [1], keepDims: true }),
  mean: (x) => t.mean(x),
  max: (x) => t.max(x, { axes: [1, 2] }),
  min: (x) => t.min(x, { axes: [0] }),
  matmul: (a, b) => t.matmul(a, b),
  'matmul, first transposed': (a, b) => t.matmul(a, b, { transposeA: true }),
  'matmul, second transposed': (a, b) => t.matmul(a, b, { transposeB: true }),
  'matmul, both transposed': (a, b) => t.matmul(a, b, { transposeA: true, transposeB: true }),
  linear: t.linear,
  reshape: (x) => t.reshape(x, [3, 4]),
  permute: (x) => t.permute(x, [2, 0, 1]),
  broadcastTo: (x) => t.broadcastTo(x, [2, 3, 4]),
  slice: (x) => t.slice(x, [1, 2], [3, 5]),
  pad: (x) => t.pad(x, [1, 2], [3, 0]),
  concatenate: (a, b) => t.concatenate([a, b], 1),
  gather: (table) => t.gather(table, ids(table.device)),
  scatterAdd: (values) => t.scatterAdd(ids(values.device), values, 5),
  layerNorm: (x, gain, bias) => t.layerNorm(x, gain, bias),
  rmsNorm: (x, gain) => t.rmsNorm(x, gain),
  attention: (q, k, v) => t.attention(q, k, v),
  'attention, of groups, with more keys than queries': (q, k, v) => t.attention(q, k, v),
  'attention, not causal': (q, k, v) => t.attention(q, k, v, { causal: false }),
  'attention, with room for keys': (q, k, v) => t.attention(q, k, v, { keys: 4 }),
  'attention, with a mask': (q, k, v) => t.attention(q, k, v, { causal: false, mask: seen(q.device) }),
  'attention, causal, with a mask': (q, k, v) =>
    t.attention(q, k, v, { mask: integers(q.device, [1, 0, 1, 1], [1, 4]) }),
  'attention, with numbers added to its scores': (q, k, v, mask) =>
    t.attention(q, k, v, { causal: false, mask }),
  crossEntropy: (logits) => t.crossEntropy(logits, targets(logits.device)),
  linearCrossEntropy: (x, w) => t.linearCrossEntropy(x, w, targets(x.device)),
  cumsum: (x) => t.cumsum(x, 1),
  'cumsum, from the end': (x) => t.cumsum(x, 1, { reverse: true }),
  sort: (x) => t.sort(x).values,
  'sort, the first axis, descending': (x) => t.sort(x, 0, { descending: true }).values,
  topK: (x) => t.topK(x, 3).values,
  reorder: (x) => t.reorder(x, integers(x.device, [2, 0, 3, 1, 0, 3, 2, 1], [2, 4])),
  globalNorm: (a, b) => t.globalNorm([a, b]),
}

/** Value and gradients of a case, and which ops were called on the way there. */
function run(
  gold: GradientGold,
  device: Device,
): { value: Tensor; gradients: Tensor[]; called: Set<OpName> } {
  const called = new Set<OpName>()
  const listen = (below: Engine): Engine => ({
    run: (op, inputs, attrs) => (called.add(op), below.run(op, inputs, attrs)),
  })
  const cotangent = placed(device, gold.cotangent)
  const inputs = gold.inputs.map((input) => placed(device, input))
  const { gradient, aux } = valueAndGrad((leaves: readonly Tensor[]) => {
    const output = withEngine(listen, () => calls[gold.name](...leaves))
    return [t.sum(t.multiply(output, cotangent)), output] as const
  })(inputs)
  return { value: aux, gradients: gradient, called }
}

describe.for([
  { name: 'reference', open: openReference, bound: 1e-12 },
  { name: 'wasm', open: openWasm, bound: 1e-5 },
])('on the $name device', ({ open, bound }) => {
  it.for(cases)('$name', async (gold) => {
    const { value, gradients } = run(gold, open())
    expect(await distance(value, gold.output)).toBeLessThan(bound)
    for (const [i, expected] of gold.gradients.entries()) {
      expect(await distance(gradients[i], expected), `input ${i}`).toBeLessThan(bound)
    }
  })
})

it('every op with a gradient is in one of the cases, and every case has its call', () => {
  expect(Object.keys(calls).toSorted()).toEqual(cases.map(({ name }) => name).toSorted())
  const device = openReference()
  const called = new Set(cases.flatMap((gold) => [...run(gold, device).called]))
  // A fused gradient is one op for its own kernel; where it is differentiated again, its definition is, by the rules of these.
  const differentiable = Object.entries(rules)
    .filter(([op, rule]) => (typeof rule === 'function' || rule === 'definition') && !op.endsWith('Grad'))
    .map(([op]) => op)
  expect(differentiable.filter((op) => !called.has(op as OpName))).toEqual([])
})
