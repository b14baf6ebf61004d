/** Writes the body of one function: locals, loops, conditions, stores and calls around typed values. */
import { OptionError } from '../../../errors.ts'
import {
  type Code,
  flatten,
  type LocalReference,
  typeBytes,
  unsigned,
  type ValueType,
  vector,
} from './code.ts'
import { i32 } from './scalar.ts'
import { constant, i32Operand, laneIndex, memoryArgument, type Operand, type Value } from './value.ts'

/** A variable. As a value it stands for its number at the moment where the value is consumed. */
export interface Local<T extends ValueType = ValueType> extends Value<T> {
  readonly reference: LocalReference
  /** Sets the variable and leaves the value for the surrounding expression. */
  tee(value: Value<T>): Value<T>
}

/** Parameter names and their types, in the order of the call from JavaScript. */
export type Parameters = Readonly<Record<string, ValueType>>
export type Locals<P extends Parameters> = { readonly [Name in keyof P]: Local<P[Name]> }
/** The arguments of a call, by name. */
export type Arguments<P extends Parameters> = { readonly [Name in keyof P]: Operand<P[Name]> }

/** Writes the statements of a function; the value it returns, if any, is the function's result. */
export type Body<P extends Parameters, Result extends Value | void> = (
  b: FunctionBuilder,
  parameters: Locals<P>,
) => Result

/** A function as data: a module gets it when one of its functions first calls it. */
export interface FunctionDefinition<
  P extends Parameters = Parameters,
  Result extends Value | void = Value | void,
> {
  readonly name: string
  readonly parameters: P
  readonly body: Body<P, Result>
}

/** A function in a module: its number and, unless it is still being built, its result. */
export interface PlacedFunction {
  readonly index: number
  readonly result: ValueType | undefined
}

/** Finds the number of a function in its module, adding the function where it is new. */
export type Place = <P extends Parameters, Result extends Value | void>(
  definition: FunctionDefinition<P, Result>,
) => PlacedFunction

/** Defines a function for `FunctionBuilder.call`. Its body is built once for each module that calls it. */
export function defineFunction<const P extends Parameters, Result extends Value | void>(
  name: string,
  parameters: P,
  body: Body<P, Result>,
): FunctionDefinition<P, Result> {
  return { name, parameters, body }
}

const simdStore = { store: 0x0b, store32Lane: 0x5a }
const storeOpcodes: Record<ValueType, Code> = {
  i32: 0x36,
  f32: 0x38,
  f64: 0x39,
  v128: [0xfd, simdStore.store],
}

/**
 * Statements are appended in the order of the calls; values are expressions and append nothing by themselves.
 */
export class FunctionBuilder {
  /** Numbers of the complete function: parameters first, then locals by type. */
  readonly #parameters: LocalReference[] = []
  readonly #locals: LocalReference[] = []
  readonly #place: Place
  #code: Code[] = []
  #depth = 0

  constructor(place: Place) {
    this.#place = place
  }

  /** Declares the parameters as locals, by name. The module calls it once. */
  declareParameters<P extends Parameters>(parameters: P): Locals<P> {
    const entries = Object.entries(parameters).map(([name, type]) => {
      const local = createLocal(type)
      this.#parameters.push(local.reference)
      return [name, local]
    })
    return Object.fromEntries(entries) as Locals<P>
  }

  /** Declares a variable, set here to `initial` (default 0), each time that control passes here. */
  local<T extends ValueType>(type: T, initial?: Operand<T>): Local<T> {
    const local = createLocal(type)
    this.#locals.push(local.reference)
    // Locals are zero when the function starts, but inside a loop this point is reached again.
    if (initial !== undefined) this.set(local, initial)
    else if (this.#depth > 0) this.set(local, zeroOf(type))
    return local
  }

  /** Computes `value` once, here, and gives it a name. */
  let<T extends ValueType>(value: Value<T>): Value<T> {
    return this.local(value.type, value)
  }

  set<T extends ValueType>(local: Local<T>, value: Operand<T>): void {
    this.#code.push(operandOf(local.type, value).code, 0x21, local.reference)
  }

  /** Adds `bytes` (negative walks backwards) to a pointer or counter. */
  advance(pointer: Local<'i32'>, bytes: Operand<'i32'>): void {
    this.set(pointer, i32.add(pointer, bytes))
  }

  /** Writes `value` at byte address `pointer + offset`, with the instruction of its type. */
  store(pointer: Operand<'i32'>, value: Value, offset = 0): void {
    this.#code.push(i32Operand(pointer).code, value.code, storeOpcodes[value.type], memoryArgument(offset))
  }

  /** Writes one 32-bit lane of `value`. */
  storeLane(pointer: Operand<'i32'>, value: Value<'v128'>, lane: number, offset = 0): void {
    const instruction = [0xfd, simdStore.store32Lane, memoryArgument(offset), laneIndex(lane, 4)]
    this.#code.push(i32Operand(pointer).code, value.code, instruction)
  }

  /** Copies `bytes` bytes; the ranges may overlap (`memory.copy`). */
  copy(to: Operand<'i32'>, from: Operand<'i32'>, bytes: Operand<'i32'>): void {
    const operands = [to, from, bytes].map((x) => i32Operand(x).code)
    this.#code.push(operands, [0xfc, 0x0a, 0, 0])
  }

  /** Sets `bytes` bytes to the low byte of `value` (`memory.fill`). */
  fill(to: Operand<'i32'>, value: Operand<'i32'>, bytes: Operand<'i32'>): void {
    const operands = [to, value, bytes].map((x) => i32Operand(x).code)
    this.#code.push(operands, [0xfc, 0x0b, 0])
  }

  /** Runs `then` if `condition` is not 0, else `otherwise`. */
  if(condition: Operand<'i32'>, then: () => void, otherwise?: () => void): void {
    const branches = [this.#block(then), otherwise === undefined ? [] : [0x05, this.#block(otherwise)]]
    this.#code.push(i32Operand(condition).code, 0x04, noResult, branches, 0x0b)
  }

  /**
   * Runs `body` as long as `condition` is not 0. The condition is tested at the bottom, and once before the
   * loop.
   */
  while(condition: Value<'i32'>, body: () => void): void {
    this.if(condition, () => this.#loop(body, () => condition))
  }

  /**
   * Runs `body` with `i = start, start + step, …` while `i < end`.
   *
   * The comparison is unsigned, because `i` may be a pointer in the upper half of memory; so an `end` such as
   * `count − 3` must not fall below zero. `end` is computed once.
   */
  forRange(start: Operand<'i32'>, end: Operand<'i32'>, step: number, body: (i: Value<'i32'>) => void): void {
    if (!Number.isInteger(step) || step <= 0) {
      throw new OptionError(
        `forRange: got step ${step}; expected a positive integer. Count down with repeat.`,
      )
    }
    if (typeof end === 'number' && end < 0) {
      throw new OptionError(`forRange: got end ${end}; expected at least 0, for the comparison is unsigned.`)
    }
    const i = this.local('i32', start)
    const last = typeof end === 'number' ? end : this.let(end)
    const next = (): Value<'i32'> => i32.ltU(i.tee(i32.add(i, step)), last)
    const loop = (): void => this.#loop(() => body(i), next)
    const entered = typeof start === 'number' && typeof end === 'number' ? Number(start < end) : undefined
    if (entered === 1) loop()
    else if (entered === undefined) this.if(i32.ltU(i, last), loop)
  }

  /** Runs `body` `count` times. Counts down to zero, which saves the comparison: the tightest loop. */
  repeat(count: Operand<'i32'>, body: () => void): void {
    const left = this.local('i32', count)
    const loop = (): void => this.#loop(body, () => left.tee(i32.sub(left, 1)))
    if (typeof count === 'number' && count > 0) loop()
    else this.if(left, loop)
  }

  /**
   * Writes another function's statements here instead of a call, which is worth it for a few of them in a
   * loop.
   */
  inline<P extends Parameters, Result extends Value | void>(
    callee: FunctionDefinition<P, Result>,
    args: Arguments<P>,
  ): Result {
    const entries = Object.entries(callee.parameters).map(([name, type]) => [
      name,
      this.local(type, args[name]),
    ])
    return callee.body(this, Object.fromEntries(entries) as Locals<P>)
  }

  /** Calls another function, here and once, even if the result is not consumed. */
  call<P extends Parameters, Result extends Value | void>(
    callee: FunctionDefinition<P, Result>,
    args: Arguments<P>,
  ): ResultOf<Result> {
    const code = Object.entries(callee.parameters).map(([name, type]) => {
      const argument = args[name]
      if (argument === undefined) {
        throw new OptionError(
          `call ${callee.name}: argument ${name} is missing; expected one of type ${type}.`,
        )
      }
      return operandOf(type, argument).code
    })
    const { index, result } = this.#place(callee)
    const call = [code, 0x10, unsigned(index)]
    if (result !== undefined) return this.let({ type: result, code: call }) as ResultOf<Result>
    this.#code.push(call)
    return undefined as ResultOf<Result>
  }

  /** Leaves the function, with `value` if it has a result. */
  return(value?: Value): void {
    this.#code.push(value?.code ?? [], 0x0f)
  }

  /** Returns the complete body as bytes: locals grouped by type, code, end. The module calls it once. */
  finish(result: Value | undefined): number[] {
    const types = [...new Set(this.#locals.map((local) => local.type))]
    const grouped = types.map((type) => this.#locals.filter((local) => local.type === type))
    const order = new Map([...this.#parameters, ...grouped.flat()].map((local, index) => [local, index]))
    const declarations = grouped.map((group) => [...unsigned(group.length), typeBytes[group[0].type]])
    const indexOf = (local: LocalReference): number => {
      const index = order.get(local)
      if (index === undefined) {
        throw new OptionError('assembler: got a local of another function; expected a parameter of this one.')
      }
      return index
    }
    return [...vector(declarations), ...flatten([this.#code, result?.code ?? []], indexOf), 0x0b]
  }

  /** Writes a loop with one branch at the bottom: the body, then back to the top if `again` is not 0. */
  #loop(body: () => void, again: () => Value<'i32'>): void {
    this.#code.push(0x03, noResult, this.#block(body), again().code, 0x0d, 0, 0x0b)
  }

  #block(body: () => void): Code[] {
    const outer = this.#code
    const inner: Code[] = []
    this.#code = inner
    this.#depth++
    body()
    this.#depth--
    this.#code = outer
    return inner
  }
}

const noResult = 0x40

/** The result of a call: a value, or nothing. */
export type ResultOf<Result> = Result extends Value<infer T> ? Value<T> : undefined

function createLocal<T extends ValueType>(type: T): Local<T> {
  const reference: LocalReference = { type }
  return {
    type,
    reference,
    code: [0x20, reference],
    tee: (value) => ({ type, code: [value.code, 0x22, reference] }),
  }
}

function zeroOf<T extends ValueType>(type: T): Value<T> {
  if (type === 'v128') return { type, code: [0xfd, 0x0c, new Array<number>(16).fill(0)] }
  return constant(type, 0) as Value<T>
}

function operandOf<T extends ValueType>(type: T, x: Operand<T>): Value<T> {
  if (typeof x !== 'number') return x
  if (type === 'v128') {
    throw new OptionError(
      `assembler: got the number ${x} for a v128; expected f32x4.splat or i32x4.splat of it.`,
    )
  }
  return constant(type, x) as Value<T>
}
