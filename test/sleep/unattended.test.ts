/** A life that nobody looks after, in short: eleven faults are found and named, and nothing is lost by them. */
import { expect, test } from 'vitest'
import { faults } from '../../bench/sleep/faults.ts'
import { checksOf } from '../../bench/sleep/unattended.ts'
import { unattended } from '../../bench/sleep/unattended-life.ts'

const size = { sleeps: 14, every: 40 }

test('each fault is named within one sleep, and the life ends with the bits of one without any', async () => {
  const control = await unattended(size, [])
  const faulty = await unattended(size, faults)
  expect(faulty.faults.filter(({ after }) => after === null)).toEqual([])
  expect(faulty.faults.map(({ name }) => name)).toEqual(faults.map(({ name }) => name))
  for (const { after } of faulty.faults) expect(after).toBeLessThanOrEqual(size.every)
  expect([control.strays, faulty.strays]).toEqual([[], []])
  expect(faulty.weights).toBe(control.weights)
  expect(checksOf(control, faulty).filter(({ holds }) => !holds)).toEqual([])
  // What is never mended costs the rest of a life.
  const [lost] = faults.filter(({ name }) => name === 'the norm of a block times ten')
  const unmended = await unattended({ ...size, sleeps: 4 }, [{ ...lost, ofLearner: false }])
  expect(unmended.weights).not.toBe((await unattended({ ...size, sleeps: 4 }, [])).weights)
})
