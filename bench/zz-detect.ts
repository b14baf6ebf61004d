import { readFileSync } from 'node:fs'
import { AdaptiveWindowing, PageHinkley, StandardisedDetector } from '@burgeon/continual'
const makers: Record<string, () => any> = {}
for (const delta of [0.5, 0.75, 1])
  for (const threshold of [8, 10, 12, 14, 16, 20, 24])
    for (const decay of [0.99, 0.995])
      makers[`PH d${delta} t${threshold} dec${decay}`] = () =>
        new StandardisedDetector(
          new PageHinkley({ mode: 'up', threshold, delta, alpha: 1, minSamples: 1 } as any),
          { decay, warmUp: 30 },
        )
makers['ADWIN batch'] = () => new AdaptiveWindowing({ delta: 0.002, clock: 1 })
for (const f of ['/tmp/naive3.json', '/tmp/fixed3.json']) {
  const { preq, spans } = JSON.parse(readFileSync(f, 'utf8'))
  const changes = spans.slice(1).map((s: any) => preq.findIndex((_: any, i: number) => i * 128 >= s.from))
  for (const [name, make] of Object.entries(makers)) {
    const d = make()
    const alarms: number[] = []
    preq.forEach((x: number, i: number) => {
      const v = d.update(x)
      if (v.drift && v.direction === 'up') alarms.push(i)
    })
    const delays = changes.map((c) => {
      const a = alarms.find((x) => x >= c && x < c + 40)
      return a === undefined ? '-' : a - c
    })
    console.log(
      f.slice(5, 10),
      name,
      delays.join(' '),
      'false',
      alarms.filter((a) => !changes.some((c) => a >= c && a < c + 40)).length,
    )
  }
}
