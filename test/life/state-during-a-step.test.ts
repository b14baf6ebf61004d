/** A state that is asked for while a step is being made is that of a learner between two steps. */
import { buildLearner } from 'burgeon/session'
import { expect, it } from 'vitest'
import { tinySettings } from './tiny-settings.ts'

const text = 'the quick brown fox jumps over the lazy dog'

it('the state during a step is the one after it, and no step begins while it is taken', async () => {
  const [whole, asked] = [buildLearner(tinySettings), buildLearner(tinySettings)]
  const states = []
  for (let step = 0; step < 4; step++) {
    await whole.observe(text)
    states.push(JSON.stringify(await whole.toState()))
  }
  const found = []
  for (let step = 0; step < 4; step++) {
    const observed = asked.observe(text)
    // At once, and at some moments in the middle.
    for (let turn = 0; turn <= 3 * step; turn++) await Promise.resolve()
    const during = asked.toState()
    await observed
    // The next step has to wait for the state.
    if (step === 3) await asked.observe(text)
    found.push(JSON.stringify(await during))
  }
  expect(found).toEqual(states)
  await expect(Promise.all([asked.observe(text), asked.observe(text)])).rejects.toThrow(
    'before the last one was done',
  )
})
