/** The contract of a recall: ours keeps it, somebody else's does, and ones that are broken in one way each do not. */
import { episodicMemory, type Recall } from '@burgeon/continual'
import { checkRecall } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { lastFollower } from '../recall/last-follower.ts'

const own = (): Recall => episodicMemory({ bytes: 2 ** 18 })

test.each([
  ['episodic memory', own],
  ["one of somebody else's", lastFollower],
])('%s keeps every statement', async (_, make) => {
  const results = await checkRecall(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(13)
})

const broken: Readonly<Record<string, (own: Recall) => Partial<Recall>>> = {
  'has nothing in mind': (recall) => ({
    recollect: (before) =>
      recall.recollect(before) ?? {
        ...{ bytes: Uint8Array.of(1), matched: 1, weight: 0.5, spread: 0.1, domain: '', origin: null },
      },
  }),
  'reads all texts before': (recall) => ({
    remember: (texts, spelling) => texts.flatMap((text) => recall.remember([text], spelling)),
  }),
  'makes what was read cost less': (recall) => ({
    read: ({ losses }) => Float64Array.from(losses),
    remember: (texts, spelling) => {
      recall.remember(texts, spelling)
      return texts.map(({ losses }) => Float64Array.from(losses))
    },
  }),
  'finds it in other tokens': (recall) => ({
    read: (text, spelling) =>
      spelling.vocabulary === 256 ? recall.read(text, spelling) : Float64Array.from(text.losses),
  }),
  'gives no token a probability of 0': (recall) => ({
    read: (text, spelling) => recall.read(text, spelling).map((loss) => (loss > 6 ? Infinity : loss)),
  }),
  'costs at most 0.1 bits': (recall) => ({
    remember: (texts, spelling) =>
      recall.remember(texts, spelling).map((losses, i) => {
        const { losses: alone } = texts[i]
        return losses.map((loss, at) => (loss === alone[at] ? loss : loss + 0.3))
      }),
  }),
  'says what follows': (recall) => ({
    recollect: (before) => {
      const found = recall.recollect(before)
      return found && { ...found, matched: 1000 }
    },
  }),
  'changes nothing by reading': (recall) => ({
    read: (text, spelling) => recall.remember([text], spelling)[0],
  }),
  'forgets what it is told to': () => ({ forget: () => 1 }),
  'looks after what it keeps': (recall) => ({
    upkeep: () => {
      const before = recall.forget(() => true)
      return before === 0 ? null : { before, after: 0, merged: 0, evicted: 1 }
    },
  }),
  'goes on to the bit': (recall) => {
    let others = 0
    return {
      remember: (texts, spelling) =>
        recall
          .remember(texts, spelling)
          .map((losses) => losses.map((loss) => loss + (others++ > 500 ? 1 : 0))),
    }
  },
  'refuses a state that is not its own': (recall) => ({
    restore: (state) => {
      try {
        recall.restore(state)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
  'is kept through its growth': (recall) => {
    let texts = 0
    return { toState: () => ({ ...(recall.toState() as object), read: texts++ }) }
  },
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const results = await checkRecall(() => {
    const recall = own()
    return { ...recall, ...change(recall) }
  })
  const wrong = results.filter(({ holds }) => !holds).map((result) => result.statement)
  expect(wrong.join('\n')).toContain(statement)
})

test('every statement has a recall that breaks it', async () => {
  const results = await checkRecall(own)
  expect(
    results.filter(({ statement }) => !Object.keys(broken).some((text) => statement.includes(text))),
  ).toEqual([])
})

test('what makes no recall is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkRecall(make as never)).rejects.toThrow(OptionError)
  }
})
