/** What the demonstration's watch of the bytes hears in its own stream, whatever the model does. */
import { resolve } from 'node:path'
import { byteShift } from '@burgeon/continual'
import { defaultStream, domainChunks, firstLifeBytes } from 'burgeon/demo'
import { expect, test } from 'vitest'

test('both changes of npm start are noticed within 8 kB by the bytes alone, and nothing before them', async () => {
  const root = resolve(import.meta.dirname, '../..')
  const domains = await defaultStream({ root, ...firstLifeBytes(false) })
  const [first, second] = domains.map(({ train }) => train.length)
  const watch = byteShift()
  const alarms: number[] = []
  let read = 0
  for (const { tokens } of domainChunks(domains)) {
    // As a step of the demonstration reads them: two rows of 64.
    for (let at = 0; at < tokens.length; at += 128) {
      const bytes = Array.from(tokens).slice(at, at + 128)
      read += bytes.length
      if (watch.update(bytes).drift) alarms.push(read)
    }
  }
  expect(alarms[0]).toBeGreaterThan(first)
  expect(alarms[0]).toBeLessThanOrEqual(first + 8000)
  expect(alarms[1]).toBeGreaterThan(first + second)
  expect(alarms[1]).toBeLessThanOrEqual(first + second + 8000)
  // Later ones are changes within the data: from JSON to licences.
  expect(alarms.length).toBeLessThanOrEqual(4)
})
