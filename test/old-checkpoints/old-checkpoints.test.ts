/** Checkpoints that earlier versions wrote load, and go on to the bits to which those versions went on. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  episodicMemory,
  forgetAtMost,
  heldBack,
  Learner,
  type LearnerState,
  type Strategy,
} from '@burgeon/continual'
import { readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { domainChunks } from 'burgeon/demo'
import { consume, loadLife, saveLife } from 'burgeon/session'
import { describe, expect, onTestFinished, test } from 'vitest'
import { batchAt, digestOf, parts, stepsAfter } from './old-learner.ts'
import { domains, stepsBefore } from './old-life.ts'

const pathOf = (...names: readonly string[]): string => join(import.meta.dirname, ...names)

/** The folder copied to where it may be written. */
function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'burgeon-old-'))
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }))
  cpSync(folder, copy, { recursive: true })
  return copy
}

describe.each(['version-1'])('a checkpoint of %s', (version) => {
  test('with a part in every role goes on to the same bits', async () => {
    const { learner: state } = await readCheckpoint(nodeDisk(pathOf(version)))
    const learner = Learner.fromState(state as LearnerState, { ...parts(), device: openReference() })
    const kinds = new Set<string>()
    for (let i = 0; i < stepsAfter; i++) {
      for (const { kind } of (await learner.observe(batchAt(learner.step))).events) kinds.add(kind)
    }
    expect([...kinds].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['consolidation', 'freezing', 'growth'])
    const { parameters } = learner.model
    expect({
      step: learner.step,
      parameters: parameters.size,
      digest: await digestOf(learner),
    }).toEqual(JSON.parse(readFileSync(pathOf(version, 'later.json'), 'utf8')))
    learner.dispose()
  })
  test('is refused by parts of roles that it did not know', async () => {
    const { learner: state } = await readCheckpoint(nodeDisk(pathOf(version)))
    const { strategy, ...rest } = parts()
    const probes = heldBack()
    for (const more of [
      { probes },
      { probes, controller: forgetAtMost() },
      { recall: episodicMemory({ bytes: 2 ** 18 }) },
    ] satisfies Strategy[]) {
      const options = { ...rest, strategy: { ...strategy, ...more }, device: openReference() }
      expect(() => Learner.fromState(state as LearnerState, options)).toThrow(/Build it the same way/)
      expect(() => Learner.fromState(state as LearnerState, options)).toThrow(OptionError)
    }
  })
  test('of a life is lived to its end, saved, and loaded again', async () => {
    const disk = nodeDisk(copyOf(pathOf(version, 'life')))
    const life = await loadLife(disk)
    const { learner, record } = life
    expect(learner.step).toBe(stepsBefore)
    expect(record.measurements.length).toBeGreaterThan(1)
    expect(record.events.some(({ event }) => event.kind === 'growth')).toBe(true)
    const ended = await consume(life, domainChunks(domains, record.position ?? undefined), {
      heldOut: domains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
      measureEvery: 25,
      onStep: () => {},
      betweenSteps: async () => {},
      stop: new AbortController().signal,
    })
    expect(ended).toBe(true)
    await saveLife(disk, life)
    const again = await loadLife(disk)
    expect(again.learner.step).toBe(learner.step)
    expect(again.record).toEqual(record)
    expect(await again.learner.toState()).toEqual(await learner.toState())
  })
})
