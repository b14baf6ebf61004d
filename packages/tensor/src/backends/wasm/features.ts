/**
 * Detects the features of this JavaScript engine's WebAssembly by validating tiny modules. Nothing is
 * switched on here.
 */
import { UnsupportedError } from '../../errors.ts'
import { f32x4, i32x4, ModuleBuilder } from './assembler/index.ts'
import { type WebAssemblyInterface, webAssembly } from './webassembly.ts'

/** Features that differ between the engines on which this backend can run. */
export interface Features {
  /** Fused multiply-add of vectors (`f32x4.relaxedMadd`). Node 20 has it switched off. */
  readonly relaxedSimd: boolean
  /** Products of bytes, added up by fours (`i32x4.relaxedDotI8x16I7x16AddS`). */
  readonly relaxedDot: boolean
  /** Memory shared between threads. Browsers grant it to cross-origin isolated pages only. */
  readonly sharedMemory: boolean
}

/**
 * Returns the engine's WebAssembly and its features.
 *
 * Throws UnsupportedError without WebAssembly, or without 128-bit SIMD, which every kernel needs.
 */
export function requireFeatures(engine: WebAssemblyInterface | undefined = webAssembly): {
  webAssembly: WebAssemblyInterface
  features: Features
} {
  if (engine === undefined) {
    throw new UnsupportedError(
      'wasm: got an engine without WebAssembly; expected Node 20 or a browser of 2021.',
    )
  }
  if (!engine.validate(moduleWith((one) => f32x4.add(one, one)))) {
    throw new UnsupportedError(
      'wasm: got WebAssembly without 128-bit SIMD; expected Node 20 or a browser of 2023.',
    )
  }
  const relaxedSimd = engine.validate(moduleWith((one) => f32x4.relaxedMadd(one, one, one)))
  const relaxedDot = engine.validate(moduleWith((one) => i32x4.relaxedDotI8x16I7x16AddS(one, one, one)))
  const shared = new ModuleBuilder({ sharedMemory: true }).toBytes()
  const sharedMemory = typeof SharedArrayBuffer === 'function' && engine.validate(shared)
  return { webAssembly: engine, features: { relaxedSimd, relaxedDot, sharedMemory } }
}

type Vector = ReturnType<typeof f32x4.splat>

function moduleWith(formula: (one: Vector) => Vector): Uint8Array {
  const module = new ModuleBuilder()
  module.export('probe', {}, () => f32x4.extractLane(formula(f32x4.splat(1)), 0))
  return module.toBytes()
}
