/**
 * `npm run bench -- growth --data DIR [--seeds N] [--picture FILE]`: whether growing pays. A model of eight
 * layers learns Shakespeare character by character from scratch; others begin small and become as large on
 * the way. Each method of a seed sees the same batches, and its rate falls at the end of its own budget. The
 * question is how many operations each needs to get to where the first one ends.
 */
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, worseBeyondSeeds } from '../benchmark.ts'
import { readCourse } from './course.ts'
import { type Curve, curves } from './curves.ts'
import { live, type Measurement } from './growing-life.ts'
import {
  byPolicy,
  careless,
  deepening,
  fromScratch,
  type Method,
  neverGrown,
  stacking,
  widening,
} from './methods.ts'

const methods = [fromScratch, ...stacking, deepening, byPolicy, widening, careless, neverGrown]
/**
 * The highest learning rate of all: of 1, 2, 3, 5 and 8 thousandths the one that is best for the model from
 * scratch.
 */
const rate = 5e-3

export const growth: Benchmark = async ({ data, seeds, quick, note, once }) => {
  const device = openWasm()
  const budget = (quick ? 0.25 : 10) * 1e12
  const lives = new Map<string, Measurement[][]>(methods.map(({ name }) => [name, []]))
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 16, 64, seed)
    for (const { name, budget: part, plan } of methods) {
      const measured = await once(`seed ${seed}, ${name}`, () =>
        live({ name, ...plan() }, { course, device, note, budget: part * budget, rate }),
      )
      lives.get(name)?.push(measured)
      note(`${name}, seed ${seed}: ${said(measured[measured.length - 1])}`)
    }
  }
  const of = ({ name }: Method): Measurement[][] => lives.get(name) ?? []
  const goals = of(fromScratch).map(endOf)
  const [scratchLoss, scratchFlops] = [
    mean(goals.map(({ loss }) => loss)),
    mean(goals.map(({ flops }) => flops)),
  ]
  const lossesOf = (method: Method): number[] => of(method).map((life) => endOf(life).loss)
  const finalLoss = (method: Method): number => mean(lossesOf(method))
  const flopsToGoal = (method: Method): number =>
    mean(of(method).map((life, i) => flopsToReach(goals[i], life)))
  const saved = (method: Method): number => 1 - flopsToGoal(method) / scratchFlops

  const rows = methods.slice(1).flatMap((method): BenchmarkRow[] => {
    const peer = fromScratch.name
    const about = `${method.name}, ${(100 * method.budget).toFixed(0)} % of the operations`
    const [loss, flops] = [finalLoss(method), flopsToGoal(method)]
    return [
      {
        ...row(about, 'held-out loss at the end', loss, 'nats', peer, scratchLoss),
        values: of(method).map((life) => endOf(life).loss),
      },
      ...(method === neverGrown ? [] : [risen(method.name, mean(of(method).map(riseOf)))]),
      {
        ...row(
          method.name,
          'operations to the loss of its peer, at full size',
          flops / 1e12,
          'TFLOP',
          peer,
          scratchFlops / 1e12,
        ),
        values: of(method).map((life, i) => flopsToReach(goals[i], life) / 1e12),
      },
    ]
  })
  const best = Math.min(...stacking.map(flopsToGoal))
  const checks = [
    ...stacking.map((method) => atLeast(`${method.name}: operations saved`, saved(method), 0.35)),
    atLeast(`${widening.name}: operations saved`, saved(widening), 0.2),
    atMost(`${byPolicy.name}: operations, of the best by hand`, flopsToGoal(byPolicy) / best, 1.05),
    worseBeyondSeeds(`${careless.name}: loss above that with care`, lossesOf(careless), lossesOf(widening)),
  ]
  const curve = (method: Method): Curve => ({ name: method.name, points: of(method)[0] })
  return { rows, checks: quick ? [] : checks, picture: curves(methods.map(curve), scratchLoss) }
}

const endOf = (life: readonly Measurement[]): Measurement => life[life.length - 1]

/**
 * Largest rise of the held-out loss at a growth, from just before to just after, before anything is learnt.
 */
function riseOf(life: readonly Measurement[]): number {
  const rises = life.map(({ step, loss }, i) => (life[i - 1]?.step === step ? loss - life[i - 1].loss : 0))
  return Math.max(...rises)
}

const risen = (name: string, value: number): BenchmarkRow => ({
  case: name,
  metric: 'rise of the held-out loss by growth',
  value,
  unit: 'nats',
})

/**
 * When a model of full size is as good. Between measurements the loss is taken to change evenly; infinite
 * where it never is.
 */
function flopsToReach(goal: Measurement, life: readonly Measurement[]): number {
  const at = life.findIndex(({ parameters, loss }) => parameters === goal.parameters && loss <= goal.loss)
  if (at < 0) return Infinity
  const [before, after] = [life[Math.max(0, at - 1)], life[at]]
  if (before.loss <= goal.loss) return after.flops
  const share = (before.loss - goal.loss) / (before.loss - after.loss)
  return before.flops + share * (after.flops - before.flops)
}

function row(
  about: string,
  metric: string,
  value: number,
  unit: string,
  peer: string,
  peerValue: number,
): BenchmarkRow {
  return { case: about, metric, value, unit, peer, peerValue, ratio: peerValue / value }
}

const said = ({ step, flops, loss }: Measurement): string =>
  `${loss.toFixed(3)} at step ${step}, ${(flops / 1e12).toFixed(2)} TFLOP`
