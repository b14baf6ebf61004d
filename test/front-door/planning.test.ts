/** `burgeon plan`: what it says, in words and as JSON, and what it refuses. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '@burgeon/cluster'
import { expect, test } from 'vitest'
import { lifeFolder } from '../server/small-served.ts'
import { called, folderWithLife } from './small-life.ts'

const planned = async (
  ...args: readonly string[]
): Promise<{ plan: Plan } & Readonly<Record<string, unknown>>> => {
  const { code, output } = await called(['plan', ...args, '--json'])
  expect(code).toBe(0)
  return JSON.parse(output) as { plan: Plan } & Readonly<Record<string, unknown>>
}

test('tells people what it takes, line by line', async () => {
  const { code, output } = await called(['plan', '--parameters', '7e9', '--days', '30'])
  expect(code).toBe(0)
  expect(output).toMatch(
    /^A model of 6\.\d+ G parameters \(\d+ layers of [\d,]+\), on NVIDIA H200 SXM, learns 1\d\d G tokens:\n|^A model of 7\.\d+ G/,
  )
  for (const told of ['state of a copy', 'devices of a copy', 'time', 'price', 'keeps up with']) {
    expect(output).toMatch(new RegExp(`^${told} +\\S`, 'm'))
  }
})

test('plans for the model of a life, as it is, and for assumptions of one’s own', async () => {
  const folder = await folderWithLife({})
  const file = join(folder, 'assumptions.json')
  const mine = { name: 'Mine', memory: 1e9, flops: { f32: 1e9, bf16: 1e9 }, bandwidth: 1e9 }
  writeFileSync(
    file,
    JSON.stringify({
      utilization: 1,
      devices: { mine: { ...mine, watts: 10, perMachine: 1, dollarsPerHour: 0, source: 'mine' } },
    }),
  )
  const life = await lifeFolder()
  const { plan, assumptions } = await planned(
    '--from',
    life,
    '--device',
    'mine',
    '--assumptions',
    file,
    '--tokens',
    '1e6',
  )
  expect(plan.devices).toBe(1)
  expect(plan.days * 86_400).toBeCloseTo(plan.flops / 1e9, 6)
  expect(plan.dollars).toBe(0)
  expect(Object.keys((assumptions as { devices: object }).devices)).toContain('h200')
})

test('refuses what it cannot plan, and says what it expects', async () => {
  const folder = await folderWithLife({
    ...{ 'no.json': '{', 'list.json': '[]', 'none.json': '{"devices":[]}' },
    ...{ 'other.json': '{"utilisation":0.5}', 'half.json': '{"devices":{"h200":{}}}' },
  })
  for (const [args, says] of [
    [[], 'plan: got no --parameters'],
    [['--parameters', '7e9', '--device', 'abacus'], 'expected one of a100, h100'],
    [['--parameters', '7e9', '--from', folder], 'expected one of them'],
    [
      ['--parameters', '1e13', '--device', 'rtx4090', '--context', '1000000'],
      'fits no number of NVIDIA RTX 4090',
    ],
    [['--parameters', '1e12', '--days', '0.1'], 'which no number of copies keeps'],
    ...['no.json', 'list.json', 'none.json'].map((file): readonly [string[], string] => [
      ['--parameters', '7e9', '--assumptions', join(folder, file)],
      'an object of JSON',
    ]),
    [['--parameters', '7e9', '--assumptions', join(folder, 'other.json')], "did you mean 'utilization'"],
    [['--parameters', '7e9', '--assumptions', join(folder, 'half.json')], 'devices'],
    [['--parameters', '7e9', '--assumptions', join(folder, 'not-there.json')], 'expected a file'],
    [['--parameters', '5'], 'Expected a number from 1000000'],
  ] as readonly (readonly [readonly string[], string])[]) {
    await expect(called(['plan', ...args]), says).rejects.toThrow(says)
  }
})

test('simulates its copies with stragglers and failures', async () => {
  const args = ['--parameters', '7e9', '--days', '30', '--simulate', '20']
  const { code, output } = await called(['plan', ...args, '--variation', '0.5'])
  expect(code).toBe(0)
  expect(output).toMatch(
    /Simulated, 20 rounds each; steps vary by 50\.0 %, a machine fails once in 264 days:/,
  )
  expect(output).toMatch(/^ *after every step +\d/m)
  const { simulated } = await planned(...args)
  expect(simulated).toHaveLength(4)
  expect(await planned('--parameters', '7e9')).not.toHaveProperty('simulated')
  await expect(called(['plan', '--parameters', '7e9', '--variation', '1'])).rejects.toThrow(/--simulate/)
  await expect(called(['plan', ...args, '--machine-days', '0.001'])).rejects.toThrow(/hardly one would end/)
})
