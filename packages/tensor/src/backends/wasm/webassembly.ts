/**
 * The part of the WebAssembly JavaScript interface that this backend uses.
 *
 * It is declared here because only TypeScript's `dom` library declares it, and that library would let the
 * rest of the package use browser globals which do not exist in Node.
 */

/**
 * Linear memory. `grow` detaches the old buffer of an unshared memory, so never keep views across
 * allocations.
 */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike
  /** Adds pages of 64 KiB and returns the former number of pages. Throws RangeError when refused. */
  grow(pages: number): number
}

/** A compiled module: it may be posted to worker threads, which then only instantiate it. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module'
}

/** Compiles bytes to a module. */
export type Compile = (bytes: Uint8Array) => WasmModule

/** The imports of a kernel module. */
interface WasmImports {
  readonly env: { readonly memory: WasmMemory }
}

/** An exported kernel as JavaScript calls it: positional numbers, in the order of its declared parameters. */
export type WasmFunction = (...args: number[]) => number | undefined

interface WasmInstance {
  readonly exports: Readonly<Record<string, WasmFunction>>
}

export interface WebAssemblyInterface {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
  readonly Memory: new (limits: { initial: number; maximum?: number; shared?: boolean }) => WasmMemory
}

/**
 * The engine's WebAssembly, or `undefined` where it has none. `requireFeatures` turns that into a typed
 * error.
 */
export const webAssembly: WebAssemblyInterface | undefined = (
  globalThis as { WebAssembly?: WebAssemblyInterface }
).WebAssembly
