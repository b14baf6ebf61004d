/** A real process, killed in states of every kind and woken up again, ends where one that was never killed ends. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditBeginning, type AuditPlace, verifyAudit } from '@burgeon/continual'
import { readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledPackages } from '../bundled-sources.ts'
import { someOf } from '../how-long.ts'
import { halted } from './halt-at.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'burgeon-life-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Lives in `place` to the end, or up to `state`, and is killed there. */
function live(program: string, place: string, state?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, program)
    const args = ['--import', bundledPackages, file, place, ...(state === undefined ? [] : [state])]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [said, complained] = ['', '']
    child.stderr.on('data', (data) => (complained += String(data)))
    child.stdout.on('data', (data) => {
      said += String(data)
      if (said === halted) child.kill('SIGKILL')
    })
    child.on('close', (code, signal) => {
      const isRight =
        state === undefined ? code === 0 && said === 'lived\n' : signal === 'SIGKILL' && said === halted
      if (isRight) resolve()
      else
        reject(new Error(`${state ?? 'the whole life'}: ended with ${code ?? signal}, ${said}${complained}`))
    })
  })
}

/** The saved state, without the seconds lived and the place in the audit log, which holds times and secrets: the log leads to it. */
async function remains(place: string): Promise<Record<string, unknown>> {
  const disk = nodeDisk(place)
  const parts = await readCheckpoint(disk)
  const life = parts.life as { record: { seconds: number; audit?: { place: AuditPlace } } } | undefined
  if (life) {
    life.record.seconds = 0
    const { place: reached } = life.record.audit ?? { place: auditBeginning }
    expect(reached.size).toBeGreaterThan(0)
    expect(await verifyAudit(disk, { place: reached })).toMatchObject({ ok: true, series: 0 })
    delete life.record.audit
  }
  return parts
}

describe.each([
  {
    program: 'tiny-life.ts',
    about: 'a life of the front door',
    states: [
      'awake',
      'step 1: torn write 0',
      'step 1: before the rename',
      'step 2: learnt',
      'step 17: torn write 1',
      'step 40: written 2',
      'step 41: torn write 3',
      'step 60: after the rename',
      'step 90: removed',
    ],
  },
  {
    program: 'full-life.ts',
    about: 'a life of all parts',
    // An odd step has half of an accumulated gradient; growth is at 6, the vocabulary grows at 10 and 20, the world changes after 14.
    states: [
      'awake',
      'step 1: updating',
      'step 2: torn write 0',
      'step 4: updating',
      'step 6: updating',
      'step 6: learnt',
      'step 8: before the rename',
      'step 10: learnt',
      'step 12: after the rename',
      'step 15: learnt',
      'step 17: torn write 1',
      'step 18: removed',
      'step 20: learnt',
      'step 22: updating',
      'step 26: learnt',
    ],
  },
  {
    program: 'choosing-life.ts',
    about: 'a life that chooses by trials',
    // Arms are tried from step 6 to 9 and from 10 to 13, growth from 14 to 16.
    states: [
      'step 6: after the rename',
      'step 7: before the rename',
      'step 8: learnt',
      'step 9: learnt',
      'step 11: after the rename',
      'step 12: torn write 1',
      'step 13: torn write 0',
      'step 13: after the rename',
      'step 14: after the rename',
      'step 15: learnt',
      'step 16: torn write 1',
    ],
  },
  {
    program: 'sleeping-life.ts',
    about: 'a life that sleeps',
    states: [
      'step 5: asleep',
      'step 5: harmed',
      'step 5: torn write 1',
      'step 7: learnt',
      'step 10: asleep',
      'step 10: harmed',
      'step 10: learnt',
      'step 15: harmed',
      'step 15: after the rename',
    ],
  },
])('$about', ({ program, states }) => {
  let [whole, broken] = ['', '']
  beforeAll(async () => {
    ;[whole, broken] = [join(folder, `whole ${program}`), join(folder, `broken ${program}`)]
    await live(program, whole)
  })

  it('killed in states of every kind and resumed equals one that was never killed', async () => {
    for (const state of someOf(states, 3)) await live(program, broken, state)
    await live(program, broken)
    expect(await remains(broken)).toEqual(await remains(whole))
    // Nothing of the torn saves is left.
    // An audit log may go on in another file.
    const files = async (place: string): Promise<string[]> =>
      (await readdir(place)).filter((name) => !name.startsWith('audit-'))
    expect(await files(broken)).toHaveLength((await files(whole)).length)
  })
})

it('a life that chooses has gone on in another arm, and had growth tried', async () => {
  const { learner } = (await remains(join(folder, 'whole choosing-life.ts'))) as { learner: LivedState }
  const events = learner.journal.map(({ kind, step, data }) => [kind, step, data.goesOn])
  expect(events).toContainEqual(['choice', 13, 'usual'])
  expect(events.map(([kind, step]) => `${kind} ${step}`)).toContain('growth tried 16')
})

it('a life that sleeps has kept some of it, had the rest undone, and grown asleep', async () => {
  const { learner } = (await remains(join(folder, 'whole sleeping-life.ts'))) as { learner: LivedState }
  const slept = learner.journal.flatMap(({ kind, data }) => (kind === 'sleep' ? [data.jobs ?? []] : []))
  expect(slept).toHaveLength(3)
  for (const jobs of slept) {
    const told = jobs.map(({ job, kept }) => `${job} ${kept}`)
    expect(told).toContain('rehearsal true')
    expect(told).toContain('sabotage false')
    expect(told).toContain('dreams true')
  }
  expect(learner.journal.filter(({ kind }) => kind === 'growth').map(({ step }) => step)).toEqual([10])
})

it('a life of all parts has lived all of them', async () => {
  const { learner } = (await remains(join(folder, 'whole full-life.ts'))) as { learner: LivedState }
  const stateOf = (wanted: string): unknown => learner.parts.find(({ role }) => role === wanted)?.state
  const kinds = learner.journal.map(({ kind, data }) =>
    kind === 'freezing' ? `freezing ${data.blocks}` : kind,
  )
  expect([...new Set(kinds)].toSorted()).toEqual([
    'consolidation',
    'drift',
    'freezing 0',
    'freezing 1',
    'growth',
  ])
  const policies = learner.journal.flatMap(({ kind, part }) => (kind === 'growth' ? [part] : []))
  expect(policies).toContain('vocabulary of at most 272 tokens')
  expect(new Set(policies).size).toBe(2)
  const [, lookAhead, accumulated] = stateOf('optimizer') as [unknown, Rates, { taken: number }]
  expect(accumulated).toHaveProperty('taken')
  expect(new Set(Object.values(lookAhead).flatMap(({ data }) => [...data])).size).toBeGreaterThan(100)
  expect(stateOf('rehearsal')).toHaveProperty('packed')
})

type Rates = Readonly<Record<string, { readonly data: Float32Array }>>

interface LivedState {
  readonly journal: readonly {
    readonly kind: string
    readonly step: number
    readonly part: string
    readonly data: {
      readonly blocks?: number
      readonly goesOn?: string
      readonly jobs?: readonly { readonly job: string; readonly kept: boolean }[]
    }
  }[]
  readonly parts: readonly { readonly role: string; readonly state: unknown }[]
}
