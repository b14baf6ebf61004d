/** Makes wrong calls of right ones and judges what comes of them. */
import { BurgeonError, OptionError } from '@burgeon/tensor'
import { type Call, type Kind, kindOf } from './call.ts'

/** A call with one mistake in it. */
interface WrongCall {
  readonly args: readonly unknown[]
  /** The argument or option that is wrong. */
  readonly where: string
  readonly value: unknown
  /** Whether it may be accepted: a number that is perhaps within the range, or what the function takes as well. */
  readonly mayPass: boolean
}

const wrongValues: readonly unknown[] = [
  ...[null, Number.NaN, Infinity, -Infinity, -1, 1.5, 0, 2 ** 53],
  ...['wrong', '', true, Symbol('wrong'), 10n, () => 'wrong', {}, [], [null], { wrong: 1 }, { toString: 1 }],
]

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Every call that differs from a right one in one place. */
export function* wrongCalls(call: Call): Generator<WrongCall> {
  const names = Object.keys(call.args)
  const right = Object.values(call.args)
  const withArg = (i: number, value: unknown): unknown[] => right.with(i, value)
  for (const [i, name] of names.entries()) {
    for (const value of wrongValues) {
      yield { args: withArg(i, value), where: name, value, mayPass: mayPass(call, name, right[i], value) }
    }
    if (name !== 'options' || !isPlain(right[i])) continue
    const options = right[i]
    yield { args: withArg(i, { ...options, colour: 1 }), where: 'colour', value: 1, mayPass: false }
    for (const [option, known] of Object.entries(options)) {
      const place = `${name}.${option}`
      for (const value of wrongValues) {
        const passes = mayPass(call, place, known, value)
        yield { args: withArg(i, { ...options, [option]: value }), where: option, value, mayPass: passes }
      }
      const { [option]: _, ...others } = options
      const misspelt = `${option.slice(0, -1)}${option.at(-1) === 'z' ? 'y' : 'z'}`
      yield {
        args: withArg(i, { ...others, [misspelt]: known }),
        where: misspelt,
        value: known,
        mayPass: false,
      }
    }
  }
  if (names.length > 0) {
    const value = { wrong: 1 }
    yield { args: [...right, value], where: 'one argument too many', value, mayPass: true }
  }
}

function mayPass({ takes = {} }: Call, place: string, known: unknown, value: unknown): boolean {
  const kinds: readonly Kind[] = [kindOf(known), ...(takes[place] ?? [])]
  if (kinds.includes('anything')) return true
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
  if (isEmpty && kinds.includes('empty')) return true
  return kinds.includes(kindOf(value)) && !isEmptyHusk(known, value)
}

/** An object that is nothing of what an object of a class is. */
const isEmptyHusk = (known: unknown, value: unknown): boolean => !isPlain(known) && isPlain(value)

/** What is wrong with how a wrong call was taken; null if nothing is. */
export async function complaintOf(name: string, call: Call, wrong: WrongCall): Promise<string | null> {
  const { args, where, value, mayPass: allowed } = wrong
  const told = `${name}: ${where} = ${said(value)}`
  try {
    await settled(call.run(...(args as never[])))
    return allowed ? null : `${told} was accepted`
  } catch (error) {
    if (!(error instanceof BurgeonError)) return `${told} ended in ${String(error)}`
    const { message } = error
    const names = [name, ...(call.says ?? [])].map((each) => each.toLowerCase())
    if (!names.some((each) => message.toLowerCase().includes(each))) return `${told}: who? "${message}"`
    const isOfOptions =
      ['nothing', 'one argument too many', 'options'].includes(where) ||
      /got (options|an option|no) /.test(message)
    // What it calls has names of its own.
    const isCalled = !message.toLowerCase().includes(name.toLowerCase())
    const isNamed = message.includes(where) || isOfOptions || isCalled
    return error instanceof OptionError && !isNamed ? `${told}: which? "${message}"` : null
  }
}

/** Waits for a promise, and for the first of what comes one after another. */
async function settled(result: unknown): Promise<void> {
  const awaited = await result
  const isStream = typeof awaited === 'object' && awaited !== null && Symbol.asyncIterator in awaited
  if (isStream) await (awaited as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()
}

function said(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol' || typeof value === 'bigint') return value.toString()
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number}`
}
