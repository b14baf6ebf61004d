/** Habits of CONTRIBUTING.md that can be counted. */
import { basename, dirname } from 'node:path'
import { expect, it } from 'vitest'
import { readSources, type Source } from './read-sources.ts'

const packages = readSources('packages')
const all = [...packages, ...readSources('bench', 'examples', 'scripts', 'test')]
const library = packages.filter(({ path }) => !path.startsWith('packages/burgeon/'))

const paths = (sources: readonly Source[]): string[] => sources.map(({ path }) => path)

/** `file:line` of every match in code; comments and strings do not count. */
function mentions(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, code }) =>
    [...code.matchAll(pattern)].map(({ index }) => `${path}:${code.slice(0, index).split('\n').length}`),
  )
}

it('files are named in kebab-case, for what they hold', () => {
  const shapeless = /^(utils?|helpers?|common|base|misc|managers?|types?)$/
  const odd = all.filter(({ path }) => {
    const [name] = basename(path, '.ts').split('.')
    return shapeless.test(name) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)
  })
  expect(paths(odd)).toEqual([])
})

it('files are short: 300 lines, kernels and the forward pass 400, tests 450, half of all under 100', () => {
  // Kernels, and tests that are tables of cases, read well at greater length.
  const limit = (path: string): number =>
    /\.(wasm|wgsl)\.ts$|gpt\/src\/forward\/forward\.ts$|-cases\.ts$/.test(path)
      ? 400
      : path.startsWith('test/')
        ? 450
        : 300
  const long = all.filter(({ path, lines }) => lines > limit(path))
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
  const lengths = packages.map(({ lines }) => lines).toSorted((a, b) => a - b)
  expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThan(100)
})

it('folders of the model and of the learner hold at most twelve files', () => {
  const files = packages.filter(({ path }) => /^packages\/(gpt|continual)\//.test(path))
  const counts = new Map<string, number>()
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  expect([...counts].filter(([, count]) => count > 12)).toEqual([])
})

it('comments of tensors, gradients, the model and the learner end before column 111', () => {
  const files = packages.filter(({ path }) => /^packages\/(tensor|autograd|gpt|continual)\/src\//.test(path))
  const long = files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (/^\s*(\/?\*|\/\/)/.test(line) && line.length > 110 ? [`${path}:${i + 1}`] : [])),
  )
  expect(long).toEqual([])
})

it('randomness is seeded and nothing asks what time it is', () => {
  expect(mentions(library, /\bMath\s*\.\s*random\b|\bDate\s*\.\s*now\b|\bnew\s+Date\b/g)).toEqual([])
})

it('everything has a name of its own: no default exports but what a tool reads', () => {
  const ours = all.filter(({ path }) => !path.endsWith('.config.ts'))
  expect(mentions(ours, /^\s*export\s+default\b|\bas\s+default\b/gm)).toEqual([])
})

it('types can be erased: no enums, namespaces or decorators', () => {
  expect(
    mentions(all, /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace)\s+\w|^\s*@\w/gm),
  ).toEqual([])
})

it('nothing is skipped without a word: a skipped test says why', () => {
  const tests = all.filter(({ path }) => path.endsWith('.test.ts'))
  expect(mentions(tests, /\b(?:it|test|describe)\.(?:skip|only|todo)\b/g)).toEqual([])
})
