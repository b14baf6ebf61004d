/**
 * `npm run bench -- feedback --data DIR [--seeds N] [--lives FILE]`: what 400 thumbs do to a byte GPT that has
 * read Shakespeare. A rater likes answers that say thou and dislikes those that say you; after every 40 thumbs
 * the learner rehearses 40 steps, and so does one that gets none. Three numbers stand together: how often
 * answers please, held-out text, and how much answers differ from each other. What collapses pleases always.
 *
 * Controls: as many steps without thumbs, thumbs at random, wrong thumbs, ascent without ordinary rows. Prompts
 * and seeds of the test are never learnt from. Rate and share were chosen on seed 0 (1e-3, 3e-4; 0.15, 0.25,
 * 0.36), which is not reported. DIR holds `tinyshakespeare.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LearnerState } from '@burgeon/continual'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
  UsageError,
} from '../benchmark.ts'
import { armLife, arms, rewardedLife, type When } from './arms.ts'
import { type Corrected, correctedLife } from './corrections.ts'
import { baseOf, lifeFrom, type Outcome, outcomeOf, type Sizes, textsIn } from './lives.ts'

const whole: Sizes = {
  ...{ baseSteps: 2000, thumbs: 400, rounds: 10, stepsOfRound: 40, testAnswers: 1024, corrections: 50 },
}
const small: Sizes = {
  ...{ baseSteps: 100, thumbs: 20, rounds: 2, stepsOfRound: 5, testAnswers: 256, corrections: 3 },
}
const times: readonly When[] = ['at once', 'late', 'never']
const measures = [
  ['pleasing answers', 'winRate', 'of those that say either'],
  ['held-out text', 'bitsPerByte', 'bits/byte'],
  ['different sequences of 4', 'distinct', 'of all'],
] as const

/** Outcomes of all seeds by the name of a life. */
type Outcomes = ReadonlyMap<string, readonly Outcome[]>

export const feedback: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const texts = textsIn(read(data))
  const sizes = quick ? small : whole
  const outcomes = new Map<string, Outcome[]>()
  const corrected: Corrected[] = []
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    // A seed all of whose lives are kept needs no base.
    let made: Promise<LearnerState> | undefined
    const base = (): Promise<LearnerState> => (made ??= baseOf(texts, seed, sizes))
    const lived = async (name: string, live: () => Promise<Outcome>): Promise<void> => {
      const outcome = await once(`${name}, seed ${seed}`, live)
      outcomes.set(name, [...(outcomes.get(name) ?? []), outcome])
      const { winRate, bitsPerByte, distinct } = outcome
      note(
        `seed ${seed}, ${name}: ${winRate.toFixed(3)} please, ${bitsPerByte.toFixed(3)} bits/byte, ${distinct.toFixed(3)} differ`,
      )
    }
    await lived('before', async () =>
      lifeFrom(await base(), {}, sizes, (life) => outcomeOf(life, texts, sizes)),
    )
    for (const [name, arm] of Object.entries(arms)) {
      await lived(name, async () => armLife(await base(), texts, sizes, arm, seed))
    }
    for (const when of times) {
      await lived(`rewards ${when}`, async () => rewardedLife(await base(), texts, sizes, when))
    }
    const held = await once(`corrections, seed ${seed}`, async () =>
      correctedLife(await base(), texts, sizes),
    )
    corrected.push(held)
    note(`seed ${seed}: ${held.atOnce} of ${held.of} corrections hold at once, ${held.inTheEnd} in the end`)
  }
  return { rows: rowsOf(outcomes, corrected), checks: checksOf(outcomes, corrected) }
}

function read(data: string | undefined): Uint8Array {
  const file = join(data ?? '', 'tinyshakespeare.txt')
  if (data !== undefined && existsSync(file)) return readFileSync(file)
  throw new UsageError('feedback: expected --data DIR, a folder with tinyshakespeare.txt.')
}

function rowsOf(outcomes: Outcomes, corrected: readonly Corrected[]): BenchmarkRow[] {
  const rows = [...outcomes].flatMap(([life, all]) =>
    measures.map(([metric, key, unit]): BenchmarkRow => {
      const values = all.map((outcome) => outcome[key])
      return { case: life, metric, value: mean(values), values, unit }
    }),
  )
  for (const [metric, key] of [
    ['hold at once', 'atOnce'],
    ['hold in the end', 'inTheEnd'],
  ] as const) {
    const values = corrected.map((own) => own[key])
    rows.push({ case: 'corrections', metric, value: mean(values), values, unit: `of ${corrected[0].of}` })
  }
  return rows
}

function checksOf(outcomes: Outcomes, corrected: readonly Corrected[]): BenchmarkCheck[] {
  const of = (life: string, key: keyof Outcome): number =>
    mean((outcomes.get(life) ?? []).map((outcome) => outcome[key]))
  const above = (life: string, control: string, key: keyof Outcome): number =>
    of(life, key) - of(control, key)
  const gain = above('thumbs', 'no thumbs', 'winRate')
  const kept = (life: string): number => above(life, 'no thumbs', 'winRate') / gain
  const rewarded = above('rewards at once', 'no thumbs', 'winRate')
  return [
    atLeast('thumbs: more answers please than after as many steps without', gain, 0.2),
    atMost(
      'thumbs: held-out text above the same control, bits/byte',
      above('thumbs', 'no thumbs', 'bitsPerByte'),
      0.025,
    ),
    atMost(
      'thumbs: difference in variety of answers',
      Math.abs(of('thumbs', 'distinct') / of('no thumbs', 'distinct') - 1),
      0.05,
    ),
    atMost(
      'thumbs at random: answers that please, away from the control',
      Math.abs(above('thumbs at random', 'no thumbs', 'winRate')),
      0.05,
    ),
    atLeast(
      'ascent without old rows: held-out text is broken by, bits/byte (control)',
      above('ascent, no old rows', 'no thumbs', 'bitsPerByte'),
      0.1,
    ),
    atLeast(
      'one reader of three wrong: share of the gain that is left',
      kept('one reader of three wrong'),
      0.8,
    ),
    atMost(
      'the same, all trusted: share that is left (control)',
      kept('one reader of three wrong, all trusted'),
      0.4,
    ),
    atLeast('three of ten thumbs wrong: share that is left', kept('three of ten thumbs wrong'), 0.25),
    atLeast(
      'rewards after 500 steps and a growth: gain, of that at once',
      above('rewards late', 'rewards never', 'winRate') / rewarded,
      0.8,
    ),
    atLeast('rewards at once: more answers please', rewarded, 0.1),
    atLeast(
      'corrections that hold in the end, share',
      mean(corrected.map(({ inTheEnd, of: all }) => inTheEnd / all)),
      1,
    ),
  ]
}
