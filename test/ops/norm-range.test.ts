import { openWasm } from '@burgeon/tensor/wasm'
import { describe } from 'vitest'
import { testNormRange } from './norm-range.ts'

describe('on wasm', () => {
  testNormRange(openWasm({ threads: 1 }), { keepsSubnormals: true })
})
describe('on wasm, with three threads', () => {
  testNormRange(openWasm({ threads: 3 }), { keepsSubnormals: true })
})
