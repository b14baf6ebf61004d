/** Whatever a public function is called with, it works or says who was given what, and what was expected. */
import { expect, test } from 'vitest'
import { entries } from './entries.ts'
import { tryCalls } from './try-calls.ts'

let tried = 0

for (const [entry, calls] of Object.entries(entries)) tryCalls(entry, calls, () => tried++)

test('are several thousand wrong calls', () => {
  process.stdout.write(`${tried} wrong calls of the public interface\n`)
  expect(tried).toBeGreaterThan(2000)
})
