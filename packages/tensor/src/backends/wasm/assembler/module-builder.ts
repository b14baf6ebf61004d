/** Collects functions and encodes them as one WebAssembly module over an imported memory. */
import { OptionError, UnsupportedError } from '../../../errors.ts'
import {
  type Compile,
  type WasmFunction,
  type WasmMemory,
  webAssembly,
  type WebAssemblyInterface,
} from '../webassembly.ts'
import { writeConstants } from './constant-pool.ts'
import { typeBytes, unsigned, type ValueType, vector } from './code.ts'
import {
  type Body,
  defineFunction,
  FunctionBuilder,
  type FunctionDefinition,
  type Parameters,
  type PlacedFunction,
} from './function-builder.ts'
import type { ScalarType, Value } from './value.ts'

/** JavaScript cannot pass a vector, so exported functions take and return scalars. */
export type ExportParameters = Readonly<Record<string, ScalarType>>

interface ModuleFunction {
  readonly name: string
  type: number
  result: ValueType | undefined
  body: number[]
}

/**
 * One WebAssembly module.
 *
 * For example:
 *
 * ```ts
 * const module = new ModuleBuilder()
 * module.export('scale', { y: 'i32', count: 'i32', factor: 'f32' }, (b, { y, count, factor }) => {
 *   b.repeat(count, () => {
 *     b.store(y, f32.mul(f32.load(y), factor))
 *     b.advance(y, 4)
 *   })
 * })
 * const { scale } = module.instantiate(memory)
 * scale(pointer, 100, 0.5)
 * ```
 */
export class ModuleBuilder {
  readonly #sharedMemory: boolean
  readonly #name: string
  readonly #types: string[] = []
  readonly #functions: ModuleFunction[] = []
  readonly #placed = new Map<unknown, number>()
  readonly #exports: { name: string; index: number }[] = []

  /**
   * @param options `sharedMemory`: whether the memory imported as `env.memory` is shared between threads.
   *   `name`: what debuggers show; engines that keep compiled code keep it by the bytes of a module, so
   *   another name means compiling anew.
   */
  constructor({ sharedMemory = false, name = 'burgeon' }: { sharedMemory?: boolean; name?: string } = {}) {
    this.#sharedMemory = sharedMemory
    this.#name = name
  }

  /** Adds a function that JavaScript may call, with positional arguments in the order of `parameters`. */
  export<const P extends ExportParameters, Result extends Value<ScalarType> | void>(
    name: string,
    parameters: P,
    body: Body<P, Result>,
  ): FunctionDefinition<P, Result> {
    const definition = defineFunction(name, parameters, body)
    this.exportDefined(definition)
    return definition
  }

  /** Lets JavaScript call a function that is defined elsewhere, by its own name. */
  exportDefined<P extends ExportParameters, Result extends Value<ScalarType> | void>(
    definition: FunctionDefinition<P, Result>,
  ): void {
    if (this.#exports.some((other) => other.name === definition.name)) {
      throw new OptionError(`assembler: got a second export named ${definition.name}; expected another name.`)
    }
    this.#exports.push({ name: definition.name, index: this.#place(definition).index })
  }

  /**
   * Compiles the module over `memory` and returns its exported functions. Throws UnsupportedError without
   * WebAssembly.
   */
  instantiate(memory: WasmMemory, compile: Compile = compilePlainly): Readonly<Record<string, WasmFunction>> {
    if (webAssembly === undefined) {
      throw new UnsupportedError(
        'wasm: this JavaScript engine has no WebAssembly; expected one. Open another backend.',
      )
    }
    const module = compile(this.toBytes())
    writeConstants(memory)
    return new webAssembly.Instance(module, { env: { memory } }).exports
  }

  /** Encodes the module in the binary format (specification 2.0, section 5.5). */
  toBytes(): Uint8Array<ArrayBuffer> {
    // The limits are the widest, so that a memory of any size fits; a shared memory must be declared with a
    // maximum.
    const limits = this.#sharedMemory ? [0x03, ...unsigned(0), ...unsigned(65536)] : [0x00, ...unsigned(0)]
    const memory = [...text('env'), ...text('memory'), 0x02, ...limits]
    const functions = this.#functions
    return new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, vector(this.#types.map((type) => JSON.parse(type) as number[]))),
      ...section(2, vector([memory])),
      ...section(3, vector(functions.map(({ type }) => unsigned(type)))),
      ...section(
        7,
        vector(this.#exports.map(({ name, index }) => [...text(name), 0x00, ...unsigned(index)])),
      ),
      ...section(10, vector(functions.map(({ body }) => withLength(body)))),
      ...section(0, [...text('name'), ...section(0, text(this.#name)), ...section(1, nameMap(functions))]),
    ])
  }

  /** Returns the number of a function, and builds a function that is new here. */
  #place<P extends Parameters, Result extends Value | void>(
    definition: FunctionDefinition<P, Result>,
  ): PlacedFunction {
    const known = this.#placed.get(definition)
    if (known !== undefined) return { index: known, result: this.#functions[known].result }
    // The place is taken first, because the body may add the functions that it calls.
    const entry: ModuleFunction = { name: definition.name, type: 0, result: undefined, body: [] }
    const index = this.#functions.push(entry) - 1
    this.#placed.set(definition, index)
    const builder = new FunctionBuilder((callee) => this.#place(callee))
    const result = definition.body(builder, builder.declareParameters(definition.parameters)) as
      | Value
      | undefined
    entry.result = result?.type
    entry.body = builder.finish(result)
    entry.type = this.#typeIndex(Object.values(definition.parameters), entry.result)
    return { index, result: entry.result }
  }

  #typeIndex(parameters: readonly ValueType[], result: ValueType | undefined): number {
    const results = result === undefined ? [] : [result]
    const encode = (types: readonly ValueType[]): number[] => vector(types.map((type) => [typeBytes[type]]))
    const key = JSON.stringify([0x60, ...encode(parameters), ...encode(results)])
    const known = this.#types.indexOf(key)
    return known >= 0 ? known : this.#types.push(key) - 1
  }
}

/** Compiles a module with the engine's own settings. */
export const compilePlainly: Compile = (bytes) => new (webAssembly as WebAssemblyInterface).Module(bytes)

/** Encodes the names of functions, which profilers and stack traces show. */
function nameMap(functions: readonly { name: string }[]): number[] {
  return vector(functions.map(({ name }, index) => [...unsigned(index), ...text(name)]))
}

const text = (string: string): number[] => withLength([...new TextEncoder().encode(string)])
const withLength = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes]
const section = (id: number, content: readonly number[]): number[] => [id, ...withLength(content)]
