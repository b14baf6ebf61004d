/** Whatever a package offers says what it is. */
import { describe, expect, it } from 'vitest'
import { entryPoints } from './read-packages.ts'
import { codeOf, readSource, relativeTarget, type Source } from './read-sources.ts'

const opened = new Map<string, Source>()

function open(path: string): Source {
  const known = opened.get(path) ?? readSource(path)
  opened.set(path, known)
  return known
}

const listed = /^export\s+(?:type\s+)?\{([^}]*)\}(?:\s*from\s*'([^']+)')?/gm
const starred = /^export\s+\*\s+(?:as\s+\w+\s+)?from\s*'(\.[^']+)'/gm
const declared =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\s*\*?|const|let|class|interface|type)\s+(\w+)/gm

/** `file: name` of everything that an entry point exports without a doc comment. Other packages answer for themselves. */
function undocumented(path: string, only?: ReadonlySet<string>): string[] {
  const source = open(path)
  const code = codeOf(source.text, true)
  const own = [...code.matchAll(declared)]
    .filter(([, name]) => only === undefined || only.has(name))
    // Of an overloaded function the first signature speaks for all.
    .filter(([, name], i, found) => found.findIndex(([, other]) => other === name) === i)
    .filter(({ index }) => !/\/\*\*(?:(?!\*\/)[\s\S])+\*\/\s*$/.test(source.text.slice(0, index)))
    .map(([, name]) => `${path}: ${name}`)
  const lists = [...code.matchAll(listed)].flatMap(([, names, from]) => {
    const wanted = names.split(',').flatMap((item) => /(?:type\s+)?(\w+)(?:\s+as\s+(\w+))?/.exec(item) ?? [])
    const inner = new Set(wanted.filter((name) => name !== undefined))
    if (from === undefined || !from.startsWith('.')) return []
    return undocumented(relativeTarget(source, from), inner)
  })
  const all = [...code.matchAll(starred)].flatMap(([, from]) =>
    undocumented(relativeTarget(source, from), only),
  )
  return [...own, ...lists, ...all]
}

describe.for([...entryPoints])('%s', ([, path]) => {
  it('begins with what it is', () => {
    expect(open(path).text).toMatch(/^\/\*\*/)
  })

  it('documents every export', () => {
    expect([...new Set(undocumented(path))]).toEqual([])
  })
})
