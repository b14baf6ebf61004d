// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
/** Names come from anywhere: of files, of folders, in checkpoints of strangers. None of them drives a terminal. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, loadLife, saveLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { written } from './small-checkout.ts'
import { smallLife, smallText } from './small-life.ts'

/** Colours, clears, moves, hides and turns around; a terminal that is sent any of it shows something else than it was told. */
const evil = '\u001b[31m\u001b]0;title\u0007\u009b2J\r\b\u202e\u2028'

/** All that a command writes, to both outputs. */
async function said(...args: readonly string[]): Promise<string> {
  let text = ''
  const output = { write: (more: string) => (text += more) }
  const { signal } = new AbortController()
  const context = { output, status: output, environment: {}, now: () => 0, stop: signal, closed: signal }
  await commandLine(context, (code) => expect(code).toBe(0)).parseAsync([...args], { from: 'user' })
  return text
}

function expectHarmless(text: string): void {
  expect(text).toContain('evil')
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e]/)
}

test('what learn, inspect, restore and generate say of names is harmless', async () => {
  const folder = await written([])
  const [out, notes] = [join(folder, `evil ${evil} life`), join(folder, `evil ${evil} notes`)]
  mkdirSync(join(notes, `evil ${evil}`), { recursive: true })
  writeFileSync(join(notes, `evil ${evil}/a${evil}.txt`), smallText(400))
  writeFileSync(join(notes, `evil ${evil}.bin`), new Uint8Array(9))
  mkdirSync(join(notes, `.evil${evil}`))
  const settings = { ...smallLife, vocabulary: 270 }
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(out), { settings, learner, record })

  expectHarmless(await said('learn', notes, '--resume', '--keep-sizes', '--out', out))
  expectHarmless(await said('inspect', '--from', out, '--growth'))
  const kept = join(folder, `evil ${evil} kept`)
  const [, number] = /--kept (\d+)/.exec(await said('inspect', '--from', out)) ?? []
  expectHarmless(await said('restore', '--from', out, '--kept', number, '--out', kept))
  expectHarmless(await said('generate', '--from', out, '--prompt', `evil ${evil}`, '--tokens', '20'))
})

test('and so is what a checkpoint of somebody else calls its stages, domains and growths', async () => {
  const folder = await written([['evil.txt', smallText(20)]])
  const disk = nodeDisk(join(folder, 'life'))
  const learner = buildLearner(smallLife)
  const record = emptyRecord(learner.model.parameters.size)
  record.measurements.push({ bytes: 0, stage: evil, learnt: evil, bitsPerByte: { [evil]: 8 } })
  record.spans.push({ domain: evil, from: 0, to: 5 })
  await saveLife(disk, { settings: smallLife, learner, record })
  expectHarmless(await said('learn', join(folder, 'evil.txt'), '--resume', '--out', join(folder, 'life')))
  expect((await loadLife(disk)).record.spans[0].domain).toBe(evil)
})
