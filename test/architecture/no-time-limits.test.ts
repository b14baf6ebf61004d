/** Tests wait for states: what depends on how busy the machine is can fail without a fault. */
import { expect, test } from 'vitest'
import { codeOf, readSources } from './read-sources.ts'

/** What makes an outcome a matter of time, and what to write instead. */
const limits: readonly (readonly [RegExp, string])[] = [
  [/\btimeout: (?!0\b)/i, 'a limit of time; leave it out, vitest.config.ts ends what hangs'],
  [/^ *\}, [\d_]{3,}\)$/m, "a test's own limit of time; leave it out, vitest.config.ts ends what hangs"],
  [/\b(?:performance|Date)\.now\(\)/, 'a clock; count what the code does instead of timing it'],
  [/\bAbortSignal\.timeout\(|\bprocess\.hrtime\b/, 'a clock; wait for a state'],
]

test('no test depends on how fast the machine is', () => {
  const found = readSources('test').flatMap(({ path, text }) =>
    limits.flatMap(([pattern, why]) => (pattern.test(codeOf(text)) ? [`${path}: ${why}`] : [])),
  )
  expect(found).toEqual([])
})
