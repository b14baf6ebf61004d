/** How a public function is called rightly, so that every way of calling it wrongly can be made from it. */

/** One right call. It is made anew for every try, so that nothing is left of the one before. */
export interface Call {
  /** By name, in order. */
  readonly args: Readonly<Record<string, unknown>>
  /** The call itself, given the arguments in order; what it returns is awaited. */
  readonly run: (...args: never[]) => unknown
  /** Arguments, or options as `options.name`, that take several kinds of value: kinds. */
  readonly takes?: Readonly<Record<string, readonly Kind[]>>
  /** How else messages name the function than it is exported, or what it calls. */
  readonly says?: readonly string[]
}

/** The kinds of value that a wrong call may confuse. */
export type Kind =
  | 'number'
  | 'NaN'
  | 'string'
  | 'boolean'
  | 'function'
  | 'object'
  | 'array'
  | 'null'
  | 'undefined'
  | 'symbol'
  | 'bigint'
  /** An array or object of nothing. */
  | 'empty'
  | 'anything'

/** Right calls of one export: of a function one or more, of a class its constructor and methods; or why there is none. */
export type Calls = readonly (() => Call | Promise<Call>)[] | string

/** Calls for every export of an entry point but error classes and types: what has none does not compile. */
export type CallsOf<Api> = {
  readonly [K in keyof Api as Api[K] extends new (...args: never[]) => Error ? never : K]: Calls
}

/** What `typeof` says, but for arrays, typed arrays, null and NaN. */
export function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return 'array'
  return Number.isNaN(value) ? 'NaN' : typeof value
}
