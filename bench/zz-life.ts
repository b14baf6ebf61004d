import {
  buildLearner,
  defaultStream,
  domainChunks,
  emptyRecord,
  firstLifeBytes,
  firstLifeSettings,
  live,
  domainMatrix,
  forgettingRows,
  driftAlarms,
} from 'burgeon/life'
const quick = process.argv.includes('--quick')
const over = JSON.parse(process.argv.find((a) => a.startsWith('{')) ?? '{}')
const settings = { ...firstLifeSettings(0, quick), ...over }
const domains = await defaultStream({
  root: process.cwd(),
  ...firstLifeBytes(quick),
  ...(over.bytes ? { bytesPerDomain: over.bytes } : {}),
})
const learner = buildLearner(settings)
const life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
const t0 = performance.now()
await live(life, domainChunks(domains), {
  heldOut: domains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
  measureEvery: Infinity,
  onStep: (r) => {
    if (r.step % 50 === 0 || r.events.length)
      console.log(
        r.step,
        ((performance.now() - t0) / 1000).toFixed(1) + 's',
        r.domains[0],
        r.bitsPerByte.toFixed(3),
        'g',
        r.gradientNorm.toFixed(2),
        Object.values(r.penalties)
          .map((x) => x.toFixed(4))
          .join(),
        r.parameters,
        r.events
          .map(
            (e) =>
              e.kind +
              (e.kind === 'growth'
                ? ' ' + e.record.summary + ' ' + e.record.logitsMoved.toExponential(1) + ' ' + e.reason
                : e.kind === 'growth refused'
                  ? e.reason
                  : ''),
          )
          .join('; '),
      )
  },
  betweenSteps: () => Promise.resolve(),
  stop: new AbortController().signal,
})
console.log(
  ((performance.now() - t0) / 1000).toFixed(1) + 's',
  learner.step,
  'steps',
  learner.model.device.memory,
  (process.memoryUsage().rss / 2 ** 20).toFixed(0) + ' MiB',
)
for (const r of domainMatrix(life.record.measurements).rows)
  console.log(r.stage.padEnd(20), r.values.map((v) => v!.toFixed(3)).join('  '))
console.log(forgettingRows(life.record.measurements), driftAlarms(life.record, true))
import { writeFileSync } from 'node:fs'
const outFile = process.argv.find((a) => a.endsWith('.json'))
if (outFile)
  writeFileSync(
    outFile,
    JSON.stringify({ spans: life.record.spans, preq: life.record.prequential.map((p) => p.bitsPerByte) }),
  )
