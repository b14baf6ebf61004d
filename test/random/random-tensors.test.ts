import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe } from 'vitest'
import { testDistributions, testRandomTensors } from './random-tensors.ts'

describe('on the reference', () => {
  testRandomTensors(openReference())
})
describe('on wasm', () => {
  testRandomTensors(openWasm())
  testDistributions(openWasm())
})
