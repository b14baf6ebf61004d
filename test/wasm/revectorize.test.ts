// Options of the WASM device that change how kernels are compiled. Reaches inside for the program that compares them.
import { matmul, openScope, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it, vi } from 'vitest'
import {
  compilePlainly,
  ModuleBuilder,
} from '../../packages/tensor/src/backends/wasm/assembler/module-builder.ts'
import {
  withRevectorization,
  whyNotRevectorize,
} from '../../packages/tensor/src/backends/wasm/revectorize.ts'
import { selfTest } from '../../packages/tensor/src/testing/self-test.ts'

const isOnX64 = process.arch === 'x64'

describe('revectorization', () => {
  it('is refused when it changes a bit', () => {
    let calls = 0
    const why = whyNotRevectorize('a bit differs', (isTrial) => {
      calls++
      return [Uint8Array.of(1, 2), Uint8Array.of(3, isTrial ? 5 : 4)]
    })
    expect(String(why)).toContain(isOnX64 ? 'changes result 1 of its self-test' : 'expected Node on x64')
    expect(calls).toBe(isOnX64 ? 2 : 0)
  })

  it('is refused when a kernel fails under it', () => {
    const why = whyNotRevectorize('a kernel fails', (isTrial) => {
      if (isTrial) throw new Error('illegal instruction')
      return []
    })
    expect(String(why)).toContain(isOnX64 ? 'fails its self-test' : 'expected Node on x64')
  })

  it('is tried once', () => {
    let calls = 0
    const program = (): Uint8Array[] => (calls++, [])
    const answers = [1, 2, 3].map(() => whyNotRevectorize('all is well', program))
    expect(new Set(answers).size).toBe(1)
    expect(calls).toBe(isOnX64 ? 2 : 0)
  })

  it('gives the same bits as without, on any number of threads', () => {
    const expected = selfTest(openWasm({ threads: 1, revectorize: false }))
    for (const strictMath of [false, true]) {
      const plain = strictMath ? selfTest(openWasm({ threads: 1, strictMath, revectorize: false })) : expected
      expect(selfTest(openWasm({ threads: 1, strictMath }))).toEqual(plain)
      expect(selfTest(openWasm({ threads: 2, strictMath }))).toEqual(plain)
    }
  })

  it.runIf(isOnX64)('leaves the flags of the process as they were', () => {
    openWasm({ threads: 1, revectorize: true })
    const recorded: string[] = []
    const v8 = process.getBuiltinModule('node:v8')
    const set = vi.spyOn(v8, 'setFlagsFromString').mockImplementation((flag) => void recorded.push(flag))
    withRevectorization(compilePlainly)(new ModuleBuilder().toBytes())
    set.mockRestore()
    expect(recorded).toContain('--experimental-wasm-revectorize')
    // Nothing is left as it was set: V8's own defaults have it off, and its two compilers on.
    const opposite = (flag: string): string =>
      flag.startsWith('--no-') ? flag.replace('--no-', '--') : flag.replace('--', '--no-')
    const half = recorded.length / 2
    expect(recorded.slice(half)).toEqual(recorded.slice(0, half).map(opposite))
  })
})

describe('strictMath', () => {
  it('rounds every product before it is added, in blocks of 256', () => {
    using _ = openScope()
    const device = openWasm({ threads: 1, strictMath: true })
    const [m, n, k] = [7, 19, 300]
    const number = (i: number): number => Math.fround(Math.sin(i) * 1.7)
    const a = tensorFrom([m, k], number, device)
    const b = tensorFrom([k, n], (i) => number(i + 9999), device)
    const expected = Float32Array.from({ length: m * n }, (_element, at) => {
      const [row, column] = [Math.floor(at / n), at % n]
      const product = (t: number): number => Math.fround(number(row * k + t) * number(t * n + column + 9999))
      // In blocks of 256 terms.
      const sumFrom = (first: number, end: number): number => {
        let sum = 0
        for (let t = first; t < end; t++) sum = Math.fround(sum + product(t))
        return sum
      }
      return Math.fround(sumFrom(0, 256) + sumFrom(256, k))
    })
    expect(matmul(a, b).readSync()).toEqual(expected)
  })
})
