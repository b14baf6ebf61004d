/** Random scripts of stop, approval, growth and rollback in a life on disk. Reaches inside, as what serves a life does. */
import type { Policy } from '@burgeon/continual'
import type { ServedModel } from '@burgeon/server'
import {
  decideApproval,
  heldPolicy,
  type LifeSettings,
  openRequests,
  releaseLife,
  stopLife,
} from 'burgeon/session'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { lifeFolder, servedLife, smallServed } from '../server/small-served.ts'

const limit = 2700
const rules: Policy = { approve: { growthAbove: limit } }
const settings: LifeSettings = {
  ...servedLife,
  model: { ...servedLife.model, context: 16, embed: 8, heads: 2, mlpHidden: 8 },
  ...{ learningRate: 1e-5, plateau: 8, maxParameters: 9000, memoryRows: 50, policy: heldPolicy(rules) },
}
const text = 'the quick brown fox jumps over the lazy dog. '

const bitsOf = ({ model }: ServedModel): string =>
  [...model.parameters].map(({ path, tensor }) => `${path}: ${[...tensor.readSync()].join()}`).join('\n')

const anAct = fc.constantFrom(
  ...([
    'learn',
    'learn',
    'learn',
    'learn',
    'stop',
    'release',
    'approve',
    'refuse',
    'keep',
    'rollback',
    'restart',
  ] as const),
)

test('no weight changes while it is stopped, none grows beyond what was approved, and a rollback brings the bytes back', async () => {
  let [held, grown, back] = [0, 0, 0]
  const turn = <R>(body: () => Promise<R>): Promise<R> => body()
  await fc.assert(
    fc.asyncProperty(fc.array(anAct, { minLength: 12, maxLength: 40 }), async (acts) => {
      const life = await lifeFolder(settings)
      let served = await smallServed(life)
      let [isStopped, allowed] = [false, limit]
      const kept: { readonly number: number; readonly bits: string; readonly size: number }[] = []
      for (const act of acts) {
        const bits = bitsOf(served)
        const { size } = served.model.parameters
        const waiting = openRequests(life).find(
          ({ kind, decision }) => kind === 'growth' && decision === null,
        )
        if (act === 'stop') {
          await stopLife(life, { by: 'anna' })
          isStopped = true
        } else if (act === 'release') {
          await releaseLife(life)
          isStopped = false
        } else if (act === 'approve' && waiting !== undefined) {
          await decideApproval(life, waiting.id, { decision: 'approve', by: 'anna' })
          allowed = Infinity
        } else if (act === 'refuse' && waiting !== undefined) {
          await decideApproval(life, waiting.id, { decision: 'refuse', by: 'anna' })
        } else if (act === 'keep') {
          const facts = await served.checkpoints?.keep(turn)
          kept.push({ number: facts?.kept ?? 0, bits, size })
        } else if (act === 'restart') {
          served = await smallServed(life)
          expect(bitsOf(served)).toBe(bits)
        } else if (act === 'rollback' && kept.length > 0) {
          const to = kept[kept.length >> 1]
          const done = served.checkpoints?.rollBack(to.number, turn)
          if (isStopped) await expect(done).rejects.toThrow(/stopped/)
          else {
            await done
            expect(bitsOf(served)).toBe(to.bits)
            allowed = Math.max(limit, to.size)
            back++
          }
        } else if (act === 'learn') {
          const done = served.teacher?.learn({ text: text.repeat(16), domain: 'notes' }, turn)
          if (isStopped) {
            await expect(done).rejects.toThrow(/stopped/)
            held++
          } else await done
        }
        if (isStopped) expect(bitsOf(served)).toBe(bits)
        const now = served.model.parameters.size
        // Going back to a larger one that somebody approved before is no growth.
        if (act === 'learn' && now > size && now > limit) {
          // One yes is for one growth.
          expect(allowed).toBe(Infinity)
          allowed = now
          grown++
        }
      }
      await served.teacher?.close()
    }),
    { numRuns: times(12, 60, 1000) },
  )
  // The scripts did come to what they are about.
  expect(held).toBeGreaterThan(0)
  expect(back).toBeGreaterThan(0)
  expect(grown).toBeGreaterThan(0)
})
