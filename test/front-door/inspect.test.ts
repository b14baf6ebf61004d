import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gpt, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { adamw, growOnSchedule, Learner, tensor } from 'burgeon'
import { grow, ungrow } from 'burgeon/growth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { printed } from './small-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-inspect-'))
const place = (name: string): string => join(folder, name)
const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 1 })

beforeAll(async () => {
  await writeCheckpoint(nodeDisk(place('bare')), { model: await model.toState() })
  const growth = growOnSchedule([
    { step: 1, request: { kind: 'widenMlp', block: 'b0', to: 16 } },
    { step: 2, request: { kind: 'addLayer', at: 1 } },
    { step: 3, request: { kind: 'addLayer', at: 9 } },
  ])
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { growth } })
  for (const text of ['one two', 'three four', 'five six']) await learner.observe(text)
  const { model: saved, ...rest } = await learner.toState()
  await writeCheckpoint(nodeDisk(place('life')), { model: saved, learner: rest })
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a checkpoint is shown in numbers', async () => {
  const text = await printed('inspect', '--from', place('life'))
  expect(text).toContain(`parameters    ${model.parameters.size.toLocaleString('en')}\n`)
  expect(text).toMatch(/width +8, RMSNorm, learned positions, gelu\n/)
  expect(text).toMatch(/block b0 +2 heads of 4, 16 hidden units\nblock b1 +2 heads of 4, 16 hidden units\n/)
  expect(text).toMatch(/steps learnt +3\n/)
  expect(text).not.toContain('Growth')
})
test('experts and adapters are shown with their block', async () => {
  const other = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 2, mlpHidden: 8 }, { seed: 1 })
  const probe = tensor([1, 2], { shape: [1, 2], dtype: 'i32' })
  for (const request of [
    { kind: 'addExperts', block: 'b0', to: 3 },
    { kind: 'addAdapter', block: 'b0', to: 4 },
    { kind: 'addAdapter', block: 'b1', to: 2 },
  ] as const) {
    await grow(other, request, { mirrors: [], probe, key: [1, 2] })
  }
  await writeCheckpoint(nodeDisk(place('parts')), { model: await other.toState() })
  expect(await printed('inspect', '--from', place('parts'))).toMatch(
    /block b0 +2 heads of 4, 3 experts of 8 hidden units, adapter of rank 4\nblock b1 +2 heads of 4, 8 hidden units, adapter of rank 2\n/,
  )
})
test('and how it grew, with a bar for each size', async () => {
  const text = await printed('inspect', '--from', place('life'), '--growth')
  const lines = text.slice(text.indexOf('Growth')).split('\n')
  const bars = lines.slice(3, 6).map((line) => line.match(/[▉▊▋▌▍▎▏█]+/)?.[0].length ?? 0)
  expect(bars[0]).toBeGreaterThan(0)
  expect(bars).toEqual(bars.toSorted((a, b) => a - b))
  expect(bars[2]).toBe(24)
  expect(lines[4]).toContain('block b0: mlpHidden 8 → 16')
  expect(lines[5]).toContain('layer 1 → 2: new block b1 above block b0')
  expect(lines[6]).toBe('One request was refused.')
})
test('a model without a learner shows its own log, reverted growths included', async () => {
  expect(await printed('inspect', '--from', place('bare'), '--growth')).toMatch(/0 +█+ +[\d,]+ +born\n/)
  const other = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 1 })
  const probe = tensor([1, 2], { shape: [1, 2], dtype: 'i32' })
  const options = { mirrors: [], probe, key: [1, 2] } as const
  await grow(other, { kind: 'addLayer', at: 1 }, options)
  ungrow(other, await grow(other, { kind: 'widenEmbed', to: 12 }, options), [])
  await writeCheckpoint(nodeDisk(place('log')), { model: await other.toState() })
  const text = await printed('inspect', '--from', place('log'), '--growth')
  const lines = text.slice(text.indexOf('Growth')).split('\n').slice(4)
  expect(lines[0]).toMatch(/^ *1 .* layer 1 → 2/)
  expect(lines[1]).toMatch(/^ *2 .* embed 8 → 12/)
  expect(lines[2]).toMatch(/^ *3 .* taken back: embed 8 → 12/)
})
test('and draws it: a band for every block at every size, in well-formed SVG', async () => {
  const file = place('growth.svg')
  await printed('inspect', '--from', place('log'), '--picture', file)
  const svg = readFileSync(file, 'utf8')
  expect(svg.match(/<g>/g)).toHaveLength(4)
  // Birth has one block and the rest, every other column two.
  expect(svg.match(/<rect /g)).toHaveLength(2 + 3 + 3 + 3)
  for (const what of ['0. born', '1. layer 1 → 2', '2. embed 8 → 12', '3. taken back: embed 8 → 12'])
    expect(svg).toContain(`<title>${what}`)
  const open: string[] = []
  for (const [, end, name, , self] of svg.matchAll(/<(\/?)(\w+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name)
    else if (!self) open.push(name)
  }
  expect(open).toEqual([])
  expect(svg.replaceAll(/<(\/?)(\w+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>/g, '')).not.toMatch(/[<>]/)
})
test('a picture that cannot be written is a mistake of usage', async () => {
  const file = place('nowhere/growth.svg')
  await expect(printed('inspect', '--from', place('bare'), '--picture', file)).rejects.toThrow('cannot write')
})
test('a picture takes the place of a picture only', async () => {
  const file = place('notes.txt')
  writeFileSync(file, 'mine')
  const drawing = printed('inspect', '--from', place('bare'), '--picture', file)
  await expect(drawing).rejects.toThrow('is no picture')
  expect(readFileSync(file, 'utf8')).toBe('mine')
  for (let i = 0; i < 2; i++) await printed('inspect', '--from', place('bare'), '--picture', place('two.svg'))
  expect(readFileSync(place('two.svg'), 'utf8')).toContain('<svg')
})
test('where there is no checkpoint, it says so', async () => {
  await expect(printed('inspect', '--from', place('nowhere'))).rejects.toThrow(/nowhere/)
})
