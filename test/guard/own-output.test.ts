/** Text that the model wrote itself, come back from outside. */
import { type Guard, Learner, ownOutput } from '@burgeon/continual'
import { adamw } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { GuardError } from 'burgeon/continual'
import { expect, test } from 'vitest'
import { englishOf } from './made-up-english.ts'

const ask = (guard: Guard, text: string, source = 'somebody'): string =>
  guard.admit({ text, source, domain: 'a' }, { step: 0, at: 0 }).verdict

test('what the model wrote is refused when it comes back, whole or in part; other text is not', () => {
  const guard = ownOutput()
  const [own, other] = [englishOf(1, 100), englishOf(2, 100)]
  guard.noteOwn?.(own)
  expect(ask(guard, own)).toBe('refuse')
  expect(ask(guard, own.slice(101, 400))).toBe('refuse')
  expect(ask(guard, `${own}, as it told me`)).toBe('refuse')
  expect(ask(guard, other)).toBe('learn')
  expect(ask(guard, `${own.slice(0, 100)} ${other}`)).toBe('learn')
})

test('its own dreams pass, and so does what is too short to be told apart', () => {
  const guard = ownOutput()
  guard.noteOwn?.(englishOf(1, 100))
  expect(ask(guard, englishOf(1, 100), 'self')).toBe('learn')
  expect(ask(guard, englishOf(1, 100).slice(0, 15))).toBe('learn')
})

test('the latest of what it wrote is known', () => {
  const guard = ownOutput({ bytes: 4096 })
  const texts = Array.from({ length: 40 }, (_, i) => englishOf(i, 60))
  for (const text of texts) guard.noteOwn?.(text)
  expect([ask(guard, texts[0]), ask(guard, texts[39])]).toEqual(['learn', 'refuse'])
  const state = guard.toState?.() as { digests: Uint32Array }
  expect(state.digests.length).toBeLessThanOrEqual(1024)
})

test('a learner notes what it answers, and does not learn it again', async () => {
  const model = Gpt.create(
    { context: 64, embed: 8, heads: 2, layers: 1 },
    { device: openReference(), seed: 1 },
  )
  const guard = ownOutput()
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy: { guard } })
  const { text } = await learner.answer('a', { tokens: 120, seed: 3 })
  await expect(learner.observe(text)).rejects.toThrow(GuardError)
  // It is the answer that made the difference.
  const other = new Learner({
    model,
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: { guard: ownOutput() },
  })
  expect((await other.observe(text)).step).toBe(1)
})
