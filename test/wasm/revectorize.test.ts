// Options of the WASM device that change how kernels are compiled. Reaches inside for the program that compares them.
import { matmul, openScope, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { switchOnRevectorization } from '../../packages/tensor/src/backends/wasm/revectorize.ts'
import { selfTest } from '../../packages/tensor/src/self-test.ts'

// This file runs in a process of its own, because V8's switch is for a whole process.
describe('revectorisation', () => {
  it('is refused, and off again, when it changes a bit', () => {
    let calls = 0
    const program = (isTrial: boolean): Uint8Array[] => {
      calls++
      return [Uint8Array.of(1, 2), Uint8Array.of(3, isTrial ? 5 : 4)]
    }
    expect(() => switchOnRevectorization(program)).toThrow('changes result 1 of its self-test')
    expect(calls).toBe(2)
  })

  it('is passed on as an error, and off again, when a kernel fails under it', () => {
    const program = (isTrial: boolean): Uint8Array[] => {
      if (isTrial) throw new Error('illegal instruction')
      return []
    }
    expect(() => switchOnRevectorization(program)).toThrow('illegal instruction')
  })

  it('gives the same bits as without', () => {
    const expected = selfTest(openWasm({ threads: 1 }))
    expect(selfTest(openWasm({ threads: 1, revectorize: true }))).toEqual(expected)
    expect(selfTest(openWasm({ threads: 2, revectorize: true }))).toEqual(expected)
  })
})

describe('strictMath', () => {
  it('rounds every product before it is added', () => {
    using _ = openScope()
    const device = openWasm({ threads: 1, strictMath: true })
    const [m, n, k] = [7, 19, 300]
    const number = (i: number): number => Math.fround(Math.sin(i) * 1.7)
    const a = tensorFrom([m, k], number, device)
    const b = tensorFrom([k, n], (i) => number(i + 9999), device)
    const expected = Float32Array.from({ length: m * n }, (_element, at) => {
      const [row, column] = [Math.floor(at / n), at % n]
      let sum = 0
      for (let t = 0; t < k; t++) {
        sum = Math.fround(sum + Math.fround(number(row * k + t) * number(t * n + column + 9999)))
      }
      return sum
    })
    expect(matmul(a, b).readSync()).toEqual(expected)
  })
})
