/** Single ops and their gradients beside PyTorch's. See `write-gold.py`. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  attention,
  crossEntropy,
  erf,
  gelu,
  layerNorm,
  multiply,
  rmsNorm,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { distance, type GoldTensor, placed, readGold } from './read-gold.ts'

interface Constants {
  readonly epsilon?: number
  readonly targets?: GoldTensor
  readonly causal?: boolean
  readonly scale?: number
}

interface OpGold {
  readonly name: string
  readonly op: keyof typeof calls
  readonly inputs: Readonly<Record<string, GoldTensor>>
  readonly constants: Constants
  readonly output: GoldTensor
  readonly cotangent: GoldTensor
  readonly gradients: Readonly<Record<string, GoldTensor>>
}

const cases = readGold('ops.json') as OpGold[]

type Call = (inputs: TensorsByPath, constants: Constants) => Tensor

const calls = {
  gelu: ({ x }) => gelu(x),
  erf: ({ x }) => erf(x),
  layerNorm: ({ x, gain, bias }, { epsilon }) => layerNorm(x, gain, bias, epsilon),
  rmsNorm: ({ x, gain }, { epsilon }) => rmsNorm(x, gain, epsilon),
  crossEntropy: ({ logits }, { targets }) =>
    crossEntropy(logits, placed(logits.device, targets as GoldTensor, 'i32')),
  attention: ({ q, k, v }, { causal, scale }) =>
    attention(q, k, v, { ...(causal !== undefined && { causal }), ...(scale !== undefined && { scale }) }),
} satisfies Record<string, Call>

describe.for([
  { name: 'reference', open: openReference, bound: 1e-9 },
  { name: 'wasm', open: openWasm, bound: 1e-5 },
])('on the $name device', ({ open, bound }) => {
  it.for(cases)('$name: value and gradients are those of PyTorch', async (gold) => {
    const device = open()
    const cotangent = placed(device, gold.cotangent)
    const inputs = Object.fromEntries(Object.entries(gold.inputs).map(([key, x]) => [key, placed(device, x)]))
    const call: Call = calls[gold.op]
    const { gradient, aux: output } = valueAndGrad((x: TensorsByPath) => {
      const y = call(x, gold.constants)
      return [sum(multiply(y, cotangent)), y] as const
    })(inputs)
    const apart: Record<string, number> = { output: await distance(output, gold.output) }
    for (const [key, expected] of Object.entries(gold.gradients)) {
      apart[`gradient of ${key}`] = await distance(gradient[key], expected)
    }
    expect(Object.entries(apart).filter(([, far]) => !(far < bound))).toEqual([])
  })
})
