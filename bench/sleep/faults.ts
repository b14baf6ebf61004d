/** Eleven things that go wrong in a life that nobody looks after. */
import { globSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DriftVerdict, Penalty, Strategy } from '@burgeon/continual'
import { type Disk, forgetCheckpoint, keptCheckpoints, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { multiply, scope, sqrt, sum } from '@burgeon/tensor'
import { saveLife, strategyOf } from 'burgeon/session'
import type { Exposed, Fault, Found } from './fault.ts'

const named =
  (name: string, what: RegExp = /./) =>
  (found: Found): boolean =>
    found.name === name && what.test(found.what)

/** What a file held, to be put back as a person puts back a copy. */
const copies = new Map<string, Buffer>()
const putBack = (): void => {
  for (const [file, bytes] of copies) writeFileSync(file, bytes)
  copies.clear()
}

function segmentsIn({ folder }: Exposed): string[] {
  return globSync('experience/*.journal', { cwd: folder })
    .toSorted()
    .map((name) => join(folder, name))
}

function flip(file: string): void {
  const bytes = readFileSync(file)
  copies.set(file, Buffer.from(bytes))
  bytes[bytes.length >> 1] ^= 0x40
  writeFileSync(file, bytes)
}

/** Other numbers in the place of some weights. */
function change(
  { life }: Exposed,
  isMeant: (path: string) => boolean,
  factor: (i: number, shape: readonly number[], path: string) => number,
): void {
  const { parameters, device } = life.learner.model
  for (const { path, tensor } of parameters) {
    if (!isMeant(path)) continue
    const factors = Float32Array.from({ length: tensor.size }, (_, i) => factor(i, tensor.shape, path))
    scope(() =>
      parameters.replace(
        path,
        multiply(tensor, device.tensor(factors, { shape: tensor.shape, dtype: 'f32' })),
      ),
    )
  }
}

/** A loss of 0 whose gradient is none: that of a square root at 0, times 0. */
const poisoned: Penalty['loss'] = (weights) => {
  const [any] = Object.values(weights)
  return sqrt(sum(multiply(any, 0)))
}

/** Writes a checkpoint in which the store has twice the rows that it may have. */
async function overfill(disk: Disk): Promise<void> {
  const parts = await readCheckpoint(disk)
  const { parts: all } = parts.learner as { parts: { role: string; state: Record<string, unknown> }[] }
  const store = all.find(({ role }) => role === 'rehearsal')
  for (const [name, value] of Object.entries(store?.state ?? {})) {
    if (ArrayBuffer.isView(value) || Array.isArray(value)) {
      const twice = [...(value as Iterable<unknown>), ...(value as Iterable<unknown>)]
      const Kind = value.constructor as unknown as { from(of: readonly unknown[]): unknown }
      if (store) store.state[name] = Kind.from(twice)
    }
  }
  await writeCheckpoint(disk, parts)
}

const emptied = ({ life }: Exposed): Strategy['rehearsal'] => strategyOf(life.settings).rehearsal

/** In the order in which they come. */
export const faults: readonly Fault[] = [
  {
    name: 'a gradient that is not a number',
    when: 'awake',
    ofLearner: false,
    inject({ life }) {
      const [penalty] = life.learner.strategy.penalties ?? []
      Object.assign(penalty, { loss: Object.assign(poisoned, { own: penalty.loss }) })
    },
    isNamed: named('NonFiniteError', /gradient/),
  },
  {
    name: 'a flipped byte in the journal',
    when: 'on disk',
    ofLearner: false,
    inject: (exposed) => flip(segmentsIn(exposed)[0]),
    isNamed: named('journal', /damaged/),
    mend: putBack,
  },
  {
    name: 'a flipped byte in a kept checkpoint',
    when: 'on disk',
    ofLearner: false,
    async inject({ folder, disk }) {
      const [oldest] = await keptCheckpoints(disk)
      const [weights] = globSync(`model-${String(oldest).padStart(6, '0')}*`, { cwd: folder })
      flip(join(folder, weights))
    },
    isNamed: named('kept checkpoint', /damaged/),
    async mend({ disk }) {
      copies.clear()
      const [oldest] = await keptCheckpoints(disk)
      await forgetCheckpoint(disk, oldest)
    },
  },
  {
    name: 'a journal cut short',
    when: 'on disk',
    ofLearner: false,
    inject(exposed) {
      const last = segmentsIn(exposed).at(-1) as string
      copies.set(last, readFileSync(last))
      truncateSync(last, Math.floor(statSync(last).size / 2))
    },
    isNamed: named('journal'),
    mend: putBack,
  },
  {
    name: 'a full disk',
    when: 'awake',
    ofLearner: false,
    inject(exposed) {
      exposed.isFull = true
    },
    isNamed: ({ what }) => /no space left/.test(what),
    mend(exposed) {
      exposed.isFull = false
    },
  },
  {
    name: 'a store over its budget',
    when: 'on disk',
    ofLearner: false,
    inject: ({ disk }) => overfill(disk),
    isNamed: named('checkpoint', /rows of .* expected no more than/),
  },
  {
    name: 'a third of the hidden units dormant',
    when: 'before sleep',
    ofLearner: true,
    inject: (exposed) =>
      change(
        exposed,
        (path) => path.includes('.mlp.'),
        // The last axis of what writes into hidden units, the first of what reads from them.
        (i, shape, path) => {
          const unit = path.includes('.down.') ? Math.floor(i / shape[1]) : i % (shape.at(-1) as number)
          return path.endsWith('down.bias') || unit % 3 !== 0 ? 1 : 0
        },
      ),
    isNamed: named('dormant units'),
  },
  {
    name: 'the norm of a block times ten',
    when: 'awake',
    ofLearner: true,
    inject: (exposed) =>
      change(
        exposed,
        (path) => path.startsWith('blocks.b1.'),
        () => 10,
      ),
    isNamed: named('size of weights', /blocks\.b1/),
  },
  {
    name: 'an emptied store',
    when: 'on disk',
    ofLearner: true,
    async inject(exposed) {
      exposed.life.learner.strategy.rehearsal?.restore(emptied(exposed)?.toState())
      await saveLife(exposed.disk, exposed.life)
    },
    isNamed: named('remembered rows'),
  },
  {
    name: 'a detector that is stuck',
    when: 'woken',
    ofLearner: true,
    inject({ life }) {
      const quiet: DriftVerdict = { drift: false, direction: null, estimate: 0 }
      Object.assign(life.learner.strategy.detector ?? {}, { update: () => quiet })
    },
    isNamed: named('detector'),
  },
  {
    name: 'a clock that was put back by an hour',
    when: 'on disk',
    ofLearner: false,
    inject(exposed) {
      exposed.behind = 3_600_000
    },
    isNamed: named('clock'),
    mend(exposed) {
      exposed.behind = 0
    },
  },
]
