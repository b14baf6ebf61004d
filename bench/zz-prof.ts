import { buildLearner, firstLifeSettings } from 'burgeon/life'
import { batchOfTokens } from 'burgeon'
const settings = { ...firstLifeSettings(0, true), plateau: 0, memoryRows: 200, protection: 0 }
const learner = buildLearner(settings)
const { context } = settings.model
const device: any = learner.model.device
const orig = device.run.bind(device)
const times = new Map<string, [number, number]>()
let on = false
device.run = (op: any, inputs: any, attrs: any) => {
  const t = performance.now()
  const r = orig(op, inputs, attrs)
  if (on) {
    const k =
      op +
      (op === 'elementwise'
        ? ' ' + attrs.expression.id + ' ' + r[0].shape
        : op === 'matmul'
          ? ` ${attrs.transposeA ? 'T' : 'N'}${attrs.transposeB ? 'T' : 'N'} ` +
            inputs.map((x: any) => x.shape.join('x')).join(' ')
          : op === 'linear'
            ? ' ' + inputs[1].shape
            : '')
    const e = times.get(k) ?? [0, 0]
    e[0] += performance.now() - t
    e[1]++
    times.set(k, e)
  }
  return r
}
const N = 60
let t0 = 0
for (let step = 1; step <= 30 + N; step++) {
  if (step === 31) {
    on = true
    t0 = performance.now()
  }
  const text = Int32Array.from(
    { length: settings.rows * context + 1 },
    (_, i) => 97 + ((i * 7 + step * 13) % 23),
  )
  await learner.observe(batchOfTokens(text, context, 'letters'))
}
const total = (performance.now() - t0) / N
console.log('ms per step', total)
const rows = [...times].sort((a, b) => b[1][0] - a[1][0])
for (const [k, [ms, n]] of rows.slice(0, 30)) console.log((ms / N).toFixed(3), n / N, k)
console.log(
  'sum',
  rows.reduce((a, [, [ms]]) => a + ms, 0) / N,
  'ops',
  rows.reduce((a, [, [, n]]) => a + n, 0) / N,
)
