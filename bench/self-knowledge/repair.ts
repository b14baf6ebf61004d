/** Whether injured lives find out what is wrong, and mend it: rows and checks of `bench -- self-knowledge`. */
import {
  atLeast,
  atMost,
  type BenchmarkCheck,
  type BenchmarkOptions,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import {
  type Care,
  type InjuredLife,
  injuredLife,
  type Injury,
  meanLoss,
  type Texts,
} from './injured-life.ts'

/** What the first fault that is found has to name. */
const injuries: Readonly<Record<Exclude<Injury, 'none'>, RegExp>> = {
  'an MLP is 0': /blocks\.b0\.mlp/,
  'biases are shifted': /head\.bias/,
  'noise is learnt': /German/,
  'memory is lost': /German/,
}
const healthyLives = 20

/** What lives came to, by injury and care. */
type Lives = ReadonlyMap<string, readonly InjuredLife[]>

/** Lives all of them. */
export async function repairOf(
  texts: Texts,
  { quick, seeds, note, once }: Pick<BenchmarkOptions, 'quick' | 'seeds' | 'note' | 'once'>,
): Promise<{ readonly rows: readonly BenchmarkRow[]; readonly checks: readonly BenchmarkCheck[] }> {
  const found = new Map<string, InjuredLife[]>()
  const live = async (seed: number, injury: Injury, care: Care): Promise<void> => {
    const steps = quick ? 50 : 400
    const life = await once(`seed ${seed}, ${injury}, ${care}`, () =>
      injuredLife(texts, { seed, injury, care, steps, ...(quick && { before: { mixed: 60, last: 40 } }) }),
    )
    note(`seed ${seed}, ${injury}, ${care}: ${JSON.stringify(life)}`)
    const name = nameOf(injury, care)
    found.set(name, [...(found.get(name) ?? []), life])
  }
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    await live(seed, 'none', 'none')
    for (const injury of (quick ? ['an MLP is 0'] : Object.keys(injuries)) as Injury[]) {
      for (const care of ['none', 'repair'] as const) await live(seed, injury, care)
    }
  }
  for (let seed = 1; seed <= (quick ? 1 : healthyLives); seed++) await live(seed, 'none', 'repair')
  return quick ? { rows: [], checks: [] } : { rows: rowsOf(found), checks: checksOf(found) }
}

const nameOf = (injury: Injury, care: Care): string =>
  `${injury === 'none' ? 'not injured' : injury}, ${care === 'repair' ? 'repairs itself' : 'learns on'}`

/**
 * Share of the excess loss that is gone in the end: above that of the life without an injury, and of what it was at
 * first. What is lost of memory shows later: of what it is in the end where nothing is done.
 */
function gone(found: Lives, injury: Injury, care: Care): number[] {
  const [own, ordinary, healthy] = [
    found.get(nameOf(injury, care)),
    found.get(nameOf(injury, 'none')),
    found.get(nameOf('none', 'none')),
  ].map((lives) => lives ?? [])
  return own.map(({ injured, final }, i) => {
    const first =
      injury === 'memory is lost'
        ? meanLoss(ordinary[i].final) - meanLoss(healthy[i].final)
        : meanLoss(injured) - meanLoss(healthy[i].injured)
    return 1 - (meanLoss(final) - meanLoss(healthy[i].final)) / first
  })
}

const named = (found: Lives, injury: keyof typeof injuries): number[] =>
  (found.get(nameOf(injury, 'repair')) ?? []).map((life) => Number(injuries[injury].test(life.found ?? '')))

const everyInjury = Object.keys(injuries) as (keyof typeof injuries)[]

function rowsOf(found: Lives): BenchmarkRow[] {
  const row = (name: string, metric: string, unit: string, values: readonly number[]): BenchmarkRow => ({
    ...{ case: name, metric, value: mean(values), values, unit },
  })
  return everyInjury.flatMap((injury) => [
    row(injury, 'lives in which it was named first', '', named(found, injury)),
    row(
      injury,
      'loss right after it',
      'bits/byte',
      lossesOf(found, injury, ({ injured }) => injured),
    ),
    ...(['none', 'repair'] as const).map((care) =>
      row(nameOf(injury, care), 'share of the excess loss that is gone', '', gone(found, injury, care)),
    ),
    row(
      nameOf(injury, 'repair'),
      'repairs',
      '',
      (found.get(nameOf(injury, 'repair')) ?? []).map(({ repairs }) => repairs.length),
    ),
  ])
}

const lossesOf = (
  found: Lives,
  injury: Injury,
  of: (life: InjuredLife) => Readonly<Record<string, number>>,
): number[] => (found.get(nameOf(injury, 'repair')) ?? []).map((life) => meanLoss(of(life)))

function checksOf(found: Lives): BenchmarkCheck[] {
  const ofEach = (care: Care): number[] => everyInjury.map((injury) => mean(gone(found, injury, care)))
  const healthy = found.get(nameOf('none', 'repair')) ?? []
  return [
    atLeast(
      'injuries of four that are named first, in every life',
      everyInjury.filter((injury) => mean(named(found, injury)) === 1).length,
      3,
    ),
    atLeast(
      'least share of the excess loss that is gone where it repairs itself',
      Math.min(...ofEach('repair')),
      0.8,
    ),
    atLeast(
      'control: injuries of which at most half is gone where it learns on',
      ofEach('none').filter((share) => share <= 0.5).length,
      2,
    ),
    atMost(
      `repairs in ${healthyLives} lives that are not injured`,
      healthy.reduce((sum, { repairs }) => sum + repairs.length, 0),
      1,
    ),
  ]
}
