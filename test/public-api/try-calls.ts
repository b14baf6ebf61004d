/** Tries the calls of one entry point, right and wrong. */
import { describe, expect, test } from 'vitest'
import type { Calls } from './call.ts'
import { complaintOf, wrongCalls } from './wrong-calls.ts'

/** A test for each export that is called. `tried` hears of every wrong call. */
export function tryCalls(
  entry: string,
  calls: Readonly<Record<string, Calls>>,
  tried: () => void = () => {},
): void {
  const called = Object.entries(calls).filter(([, made]) => typeof made !== 'string')
  describe(entry, () => {
    test.each(called)('%s', async (name, made) => {
      const complaints: string[] = []
      for (const make of made as Exclude<Calls, string>) {
        const right = await make()
        const args = Object.values(right.args)
        const asIs = { args, where: 'nothing', value: 'wrong', mayPass: true }
        expect(await complaintOf(name, right, asIs)).toBe(null)
        const count = [...wrongCalls(await make())].length
        for (let i = 0; i < count; i++) {
          const call = await make()
          const wrong = [...wrongCalls(call)][i]
          const complaint = await complaintOf(name, call, wrong)
          if (complaint !== null) complaints.push(complaint)
          tried()
        }
      }
      expect(complaints).toEqual([])
    })
  })
}
