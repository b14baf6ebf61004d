// Reaches inside: what is tested here is a part of its package, not an entry point.
/** Runs one assembled expression or function in a real WebAssembly instance. */
// The assembler is an inner part of the backend, which no public entry point exports.
import {
  type FunctionBuilder,
  ModuleBuilder,
  type Value,
} from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import type { WasmMemory } from '../../packages/tensor/src/backends/wasm/webassembly.ts'
import { webAssembly } from '../../packages/tensor/src/backends/wasm/webassembly.ts'

/** A fresh linear memory. */
export function newMemory(pages = 1): WasmMemory {
  if (webAssembly === undefined) throw new Error('These tests need WebAssembly.')
  return new webAssembly.Memory({ initial: pages })
}

/** The number that an expression of scalars computes. */
export function numberOf(
  build: Value<'i32' | 'f32' | 'f64'> | ((b: FunctionBuilder) => Value<'i32' | 'f32' | 'f64'>),
  memory: WasmMemory = newMemory(),
): number {
  const module = new ModuleBuilder()
  module.export('run', {}, (b) => (typeof build === 'function' ? build(b) : build))
  return module.instantiate(memory).run() as number
}

/** The bytes that an expression of vectors computes. */
export function bytesOf(value: Value<'v128'>, memory: WasmMemory = newMemory()): ArrayBuffer {
  const at = 1024
  const module = new ModuleBuilder()
  module.export('run', {}, (b) => b.store(at, value))
  module.instantiate(memory).run()
  return memory.buffer.slice(at, at + 16) as ArrayBuffer
}

export const floatLanes = (value: Value<'v128'>, memory?: WasmMemory): number[] => [
  ...new Float32Array(bytesOf(value, memory)),
]
export const integerLanes = (value: Value<'v128'>, memory?: WasmMemory): number[] => [
  ...new Int32Array(bytesOf(value, memory)),
]
export const doubleLanes = (value: Value<'v128'>, memory?: WasmMemory): number[] => [
  ...new Float64Array(bytesOf(value, memory)),
]
