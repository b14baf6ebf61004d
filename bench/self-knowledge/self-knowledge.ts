/**
 * `npm run bench -- self-knowledge --data DIR [--seeds N] [--lives FILE]`: whether a learner knows how sure it may be,
 * where it is weak, and how to mend it.
 *
 * A byte GPT reads English, German and English again, in one domain: nothing says where one ends. `selfAssessment`
 * promises sets that hold nine of ten bytes. The same life is lived twice: one goes on learning, the other learns
 * nothing after the first English, and finds German strange for good. What is promised has to hold in both.
 *
 * Control: sets by the model alone, whose threshold held nine of ten bytes of the first English, and never moves.
 *
 * Then lives are injured in one of four ways, and nobody tells them: the weights of an MLP are 0, the biases of the head
 * are shifted, noise was learnt, a domain has vanished from memory. They look for faults and mend them while they sleep
 * (`repairJob`). Controls: the same lives that go on learning as ever, and twenty that are not injured.
 *
 * Everything was written with seed 11.
 *
 * DIR holds `genesis-english-web.txt`, `genesis-german.txt` and `tinyshakespeare.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'
import type { Texts } from './injured-life.ts'
import { repairOf } from './repair.ts'
import { type CalibratedLife, calibratedLife, type CalibratedSegment, promised } from './calibrated-life.ts'

const [learning, stopped] = ['goes on learning', 'learns no more after English'] as const

export const selfKnowledge: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const repair = await repairOf(injuredTexts(data), { quick, seeds, note, once })
  const texts = textsIn(data, quick ? 40_000 : 110_000)
  const found = new Map<string, CalibratedLife[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const arm of [learning, stopped]) {
      const life = await once(`seed ${seed}, ${arm}`, () => calibratedLife(seed, texts, arm === learning))
      note(`seed ${seed}, ${arm}: ${JSON.stringify(life)}`)
      found.set(arm, [...(found.get(arm) ?? []), life])
    }
  }
  const of = (arm: string, valueOf: (life: CalibratedLife) => number): number[] =>
    (found.get(arm) ?? []).map(valueOf)
  const inSegment =
    (name: string, valueOf: (segment: CalibratedSegment) => number) =>
    ({ segments }: CalibratedLife): number =>
      valueOf(segments.find((segment) => segment.name === name) as CalibratedSegment)
  const row = (
    arm: string,
    metric: string,
    unit: string,
    valueOf: (life: CalibratedLife) => number,
  ): BenchmarkRow => {
    const values = of(arm, valueOf)
    return { case: arm, metric, value: mean(values), values, unit }
  }
  const german = (valueOf: (segment: CalibratedSegment) => number) => inSegment('German', valueOf)
  const farthestOf = (arm: string): number =>
    Math.max(...of(arm, ({ coverage }) => Math.abs(coverage - promised)))
  return {
    rows: [
      ...[learning, stopped].flatMap((arm) => [
        ...Object.keys(texts).flatMap((name) => [
          row(
            arm,
            `${name}: coverage`,
            '',
            inSegment(name, ({ coverage }) => coverage),
          ),
          row(
            arm,
            `${name}: coverage of the fixed threshold`,
            '',
            inSegment(name, ({ fixed }) => fixed),
          ),
          row(
            arm,
            `${name}: calibration error of the model`,
            '',
            inSegment(name, ({ rawError }) => rawError),
          ),
          row(
            arm,
            `${name}: calibration error at the temperature`,
            '',
            inSegment(name, ({ error }) => error),
          ),
          row(
            arm,
            `${name}: loss of the model`,
            'bits/byte',
            inSegment(name, ({ rawBits }) => rawBits),
          ),
          row(
            arm,
            `${name}: loss at the temperature`,
            'bits/byte',
            inSegment(name, ({ bits }) => bits),
          ),
        ]),
        row(arm, 'coverage farthest from 0.9 in 2,000 bytes', '', ({ farthest }) => farthest),
      ]),
      ...repair.rows,
    ],
    checks: [
      ...[learning, stopped].flatMap((arm) => [
        atMost(`${arm}: coverage less 0.9`, farthestOf(arm), 0.01),
        atMost(`${arm}: the same in any 2,000 bytes`, Math.max(...of(arm, ({ farthest }) => farthest)), 0.03),
        ...(arm === stopped && !quick
          ? [
              atMost(
                'control: coverage of the fixed threshold on German, learning no more',
                mean(
                  of(
                    arm,
                    german(({ fixed }) => fixed),
                  ),
                ),
                0.8,
              ),
              atMost(
                'calibration error on German at the temperature, of that without, learning no more',
                mean(
                  of(
                    arm,
                    german(({ error }) => error),
                  ),
                ) /
                  mean(
                    of(
                      arm,
                      german(({ rawError }) => rawError),
                    ),
                  ),
                0.5,
              ),
            ]
          : []),
        ...(quick
          ? []
          : [
              atLeast(
                `${arm}: loss on German, less that at the temperature, bits/byte`,
                mean(
                  of(
                    arm,
                    german(({ rawBits, bits }) => rawBits - bits),
                  ),
                ),
                0,
              ),
            ]),
      ]),
      ...repair.checks,
    ],
  }
}

function readText(data: string | undefined, name: string): Uint8Array {
  if (data === undefined) {
    throw new UsageError('self-knowledge: got no --data DIR; expected a folder with texts.')
  }
  const path = join(data, name)
  if (existsSync(path)) return new Uint8Array(readFileSync(path))
  throw new UsageError(`self-knowledge: got no ${path}; expected the text there.`)
}

function textsIn(data: string | undefined, bytes: number): Record<string, Uint8Array> {
  const [english, german] = ['genesis-english-web.txt', 'genesis-german.txt'].map((name) =>
    readText(data, name),
  )
  return {
    English: english.subarray(0, bytes),
    German: german.subarray(0, bytes),
    'English again': english.subarray(bytes, bytes + 75_000),
  }
}

const heldOutBytes = 4096

function injuredTexts(data: string | undefined): Texts {
  const text = (name: string): Texts[string] => {
    const all = readText(data, name)
    return { train: all.subarray(0, -heldOutBytes), heldOut: all.subarray(-heldOutBytes) }
  }
  return {
    English: text('genesis-english-web.txt'),
    German: text('genesis-german.txt'),
    Shakespeare: text('tinyshakespeare.txt'),
  }
}
