/** On which line of a JSON text something stands. */

import { PolicyError } from '../../errors.ts'

/** A step into a value: the name of a field, or a place in a list. */
export type JsonStep = string | number

/** A bracket, comma or colon; a string; anything else that is a value (RFC 8259). */
const token =
  // oxlint-disable-next-line no-control-regex
  /[ \t\n\r]*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y

/** Brackets in brackets that are read. */
const deepest = 100

/** Calls `visit` with where each value begins, and its path. Throws PolicyError. */
function walk(json: string, visit: (at: number, path: readonly JsonStep[]) => void): void {
  let [at, begin] = [0, 0]
  const next = (): string => {
    token.lastIndex = at
    const match = token.exec(json)
    begin = at + (/^[ \t\n\r]*/.exec(json.slice(at, at + 1000))?.[0].length ?? 0)
    if (match === null) throw brokenAt(json, begin)
    at = token.lastIndex
    return match[1] ?? match[2] ?? ''
  }
  const value = (path: readonly JsonStep[], first: string): void => {
    visit(begin, path)
    if (path.length > deepest) throw brokenAt(json, begin)
    if (first === '[') items(path)
    else if (first === '{') fields(path)
    else if (first !== '' && !first.startsWith('"')) throw brokenAt(json, begin)
  }
  const items = (path: readonly JsonStep[]): void => {
    for (let i = 0, one = next(); one !== ']' || i > 0; i++, one = next()) {
      value([...path, i], one)
      const sign = next()
      if (sign === ']') return
      if (sign !== ',') throw brokenAt(json, begin)
    }
  }
  const fields = (path: readonly JsonStep[]): void => {
    for (let i = 0, key = next(); key !== '}' || i > 0; i++, key = next()) {
      if (!key.startsWith('"')) throw brokenAt(json, begin)
      if (next() !== ':') throw brokenAt(json, begin)
      value([...path, JSON.parse(key) as string], next())
      const sign = next()
      if (sign === '}') return
      if (sign !== ',') throw brokenAt(json, begin)
    }
  }
  value([], next())
  if (/[^ \t\n\r]/.test(json.slice(at))) throw brokenAt(json, at)
}

const lineAt = (json: string, at: number): number => json.slice(0, at).split('\n').length

function brokenAt(json: string, at: number): PolicyError {
  return new PolicyError(`policy: line ${lineAt(json, at)}: this is no JSON; expected an object of it.`)
}

/** Throws PolicyError for what is no JSON, with the line from which on it is none. */
export function requireJson(json: string): void {
  walk(json, () => {})
}

/**
 * The line, from 1, on which the value at a path begins; that of the innermost value around it where there is
 * none.
 */
export function lineOf(json: string, path: readonly JsonStep[]): number {
  let [best, depth] = [0, -1]
  walk(json, (at, own) => {
    if (own.length > depth && own.every((step, i) => step === path[i])) [best, depth] = [at, own.length]
  })
  return lineAt(json, best)
}
