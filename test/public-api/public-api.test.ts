/** Whatever a public function is called with, it works or says who was given what, and what was expected. */
import { describe, expect, test } from 'vitest'
import { autogradCalls } from './autograd-calls.ts'
import { continualCalls } from './continual-calls.ts'
import { gptCalls, growthCalls } from './gpt-calls.ts'
import { checkGradientCalls, nodeCalls, referenceCalls, wasmCalls } from './entry-calls.ts'
import { tensorCalls } from './tensor-calls.ts'
import { continualTestingCalls, tensorTestingCalls } from './testing-calls.ts'
import type { Calls } from './call.ts'
import { complaintOf, wrongCalls } from './wrong-calls.ts'

const entries: Readonly<Record<string, Readonly<Record<string, Calls>>>> = {
  '@burgeon/tensor': tensorCalls,
  '@burgeon/tensor/reference': referenceCalls,
  '@burgeon/tensor/wasm': wasmCalls,
  '@burgeon/tensor/testing': tensorTestingCalls,
  '@burgeon/autograd/testing': checkGradientCalls,
  '@burgeon/gpt/node': nodeCalls,
  '@burgeon/autograd': autogradCalls,
  '@burgeon/gpt': gptCalls,
  '@burgeon/gpt/growth': growthCalls,
  '@burgeon/continual': continualCalls,
  '@burgeon/continual/testing': continualTestingCalls,
}

let tried = 0

describe.each(Object.entries(entries))('%s', (_, calls) => {
  test.each(Object.entries(calls).filter(([, made]) => typeof made !== 'string'))(
    '%s',
    async (name, made) => {
      const complaints: string[] = []
      for (const make of made as Exclude<Calls, string>) {
        const right = await make()
        expect(
          await complaintOf(name, right, {
            args: Object.values(right.args),
            where: 'nothing',
            value: 'wrong',
            mayPass: true,
          }),
        ).toBe(null)
        const count = [...wrongCalls(await make())].length
        for (let i = 0; i < count; i++) {
          const call = await make()
          const wrong = [...wrongCalls(call)][i]
          const complaint = await complaintOf(name, call, wrong)
          if (complaint !== null) complaints.push(complaint)
          tried++
        }
      }
      expect(complaints).toEqual([])
    },
  )
})

test('are several thousand wrong calls', () => {
  process.stdout.write(`${tried} wrong calls of the public interface\n`)
  expect(tried).toBeGreaterThan(2000)
})
