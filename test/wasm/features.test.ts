// Reaches inside: what is tested here is a part of its package, not an entry point.
// Feature detection is an inner part of the backend, which no public entry point exports.
import { describe, expect, test } from 'vitest'
import { UnsupportedError } from '../../packages/tensor/src/errors.ts'
import { requireFeatures } from '../../packages/tensor/src/backends/wasm/features.ts'
import {
  type WebAssemblyInterface,
  webAssembly,
} from '../../packages/tensor/src/backends/wasm/webassembly.ts'

const real = webAssembly as WebAssemblyInterface
/** An engine that knows no instruction behind the SIMD prefix. */
const withoutSimd: WebAssemblyInterface = {
  validate: (bytes) => !bytes.includes(0xfd),
  Module: real.Module,
  Instance: real.Instance,
  Memory: real.Memory,
}

describe('features', () => {
  test('Node 24 and later have relaxed SIMD and shared memory', (context) => {
    const major = Number(process.versions.node.split('.')[0])
    if (major < 24) context.skip(`Node ${major} has relaxed SIMD behind a flag`)
    expect(requireFeatures().features).toEqual({ relaxedSimd: true, relaxedDot: true, sharedMemory: true })
  })

  test('an engine without SIMD is refused with a typed error', () => {
    expect(() => requireFeatures(withoutSimd)).toThrow(UnsupportedError)
    expect(() => requireFeatures(withoutSimd)).toThrow(/without 128-bit SIMD; expected/)
  })
})
