/** A life on disk that nobody looks after: it learns what is in its journal, sleeps, is saved, and mends what is found. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openExperience } from '@burgeon/continual'
import { type Disk, forgetCheckpoint, keepCheckpoint, keptCheckpoints } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  consume,
  emptyRecord,
  type Life,
  type LifeFinding,
  lifeHealth,
  type LifeSettings,
  loadLife,
  saveLife,
} from 'burgeon/session'
import { textAt } from './diary.ts'
import type { Exposed, Fault, Found } from './fault.ts'

/** What a life came to. Plain data. */
export interface Lived {
  /** Of each fault: after how many steps it was found, or null; and by what. */
  readonly faults: readonly { name: string; after: number | null; by: string }[]
  /** What was found that no fault explains. */
  readonly strays: readonly Found[]
  /** SHA-256 of all weights at the end. */
  readonly weights: string
  /** Bits per byte before it was learnt, of the first tenth and the last. */
  readonly first: number
  readonly last: number
  readonly steps: number
  /** Checkpoints that are kept at the end and can be read, and all of them. */
  readonly read: number
  readonly kept: number
  /** Experiences in the journal at the end. */
  readonly experiences: number
  readonly sleeps: number
}

const settings = (every: number): LifeSettings => ({
  model: { context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 32 },
  seed: 6,
  rows: 4,
  learningRate: 2e-3,
  memoryRows: 100,
  rehearsalShare: 0.5,
  protection: 0.1,
  plateau: 0,
  maxParameters: 50_000,
  sleepEvery: every,
})

/** Lives through so many sleeps, `every` steps apart; each fault comes with a sleep of its own, from the third on. */
export async function unattended(
  { sleeps, every }: { readonly sleeps: number; readonly every: number },
  faults: readonly Fault[],
): Promise<Lived> {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-unattended-'))
  try {
    return await new Unattended(folder, every).lived(sleeps, faults)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class Unattended implements Exposed {
  readonly folder: string
  readonly disk: Disk
  life!: Life
  isFull = false
  behind = 0
  readonly #every: number
  readonly #found: Found[] = []
  /** The checkpoint to go back to. */
  #sound = 0

  constructor(folder: string, every: number) {
    this.folder = folder
    this.#every = every
    this.disk = this.#refusing(nodeDisk(folder))
  }

  async lived(sleeps: number, faults: readonly Fault[]): Promise<Lived> {
    const own = settings(this.#every)
    const learner = buildLearner(own)
    this.life = { settings: own, learner, record: emptyRecord(learner.model.parameters.size) }
    await this.#save()
    this.life = await loadLife(this.disk)
    const outcome: Lived['faults'][number][] = []
    const strays: Found[] = []
    for (let night = 0; night < sleeps; night++) {
      const fault = faults.at(night - 2)
      const isFaulty = night >= 2 && fault !== undefined
      await this.#admit(night)
      const came = await this.#until(night, isFaulty ? fault : undefined)
      const named = isFaulty ? this.#found.find((found) => fault.isNamed(found)) : undefined
      if (isFaulty) {
        outcome.push({ name: fault.name, after: named ? named.at - came : null, by: named?.name ?? '' })
      }
      // One thing that is wrong may show in several places, but not where nothing is.
      else strays.push(...this.#found)
      if (isFaulty) await this.#mend(night, fault)
      this.#found.length = 0
      await this.#keep()
    }
    return { faults: outcome, strays, ...(await this.#end()) }
  }

  /** Writes what is to be learnt up to the next sleep into the journal. */
  async #admit(night: number): Promise<void> {
    await this.#withJournal(async (journal) => {
      if (journal.next > night * this.#every) return
      const texts = Array.from({ length: this.#every }, (_, i) => textAt(night * this.#every + i))
      await journal.append(texts.map((text) => ({ source: 'diary', domain: 'notes', text })))
    })
  }

  /** Learns up to the next sleep, and looks. Returns the step at which the fault came. */
  async #until(night: number, fault: Fault | undefined): Promise<number> {
    const middle = night * this.#every + Math.floor(this.#every / 2)
    const end = (night + 1) * this.#every
    const places = { woken: night * this.#every, awake: middle, 'before sleep': end - 1, 'on disk': end }
    const comesAt = fault === undefined ? end : places[fault.when]
    await this.#learn(night, async (step) => {
      if (step === comesAt) await fault?.inject(this)
      // Saved in the midst as well, as unattended lives are.
      if (step === middle + 1) await this.#save()
    })
    await this.#save()
    const { record } = this.life
    const slept = record.events.flatMap(({ event }) =>
      event.kind === 'sleep' && event.step === end ? [event.data] : [],
    )
    for (const { jobs } of slept) {
      for (const { findings = [] } of jobs)
        this.#note(findings.map((one) => ({ ...one, seen: String(one.seen) })))
    }
    if (fault?.when === 'on disk') await fault.inject(this)
    this.#note(await lifeHealth(this.folder, Date.now() - this.behind))
    return comesAt
  }

  #note(findings: readonly Pick<LifeFinding, 'name' | 'ok' | 'seen' | 'where'>[]): void {
    for (const { name, ok, seen, where } of findings) {
      if (!ok) this.#found.push({ name, what: `${where}: ${seen}`, at: this.life.learner.step })
    }
  }

  /** Learns an experience a step, from where the life stands. A step that is refused is noted, and taken again once it is mended. */
  async #learn(night: number, beforeStep: (step: number) => Promise<void>): Promise<void> {
    const { learner } = this.life
    const texts: string[] = []
    await this.#withJournal(async (journal) => {
      for await (const { text } of journal.read(learner.step))
        if (texts.length < this.#every) texts.push(text)
    })
    const begun = learner.step
    while (learner.step < (night + 1) * this.#every) {
      const { step } = learner
      await beforeStep(step)
      await this.#step(texts[step - begun], step).catch(async (error: unknown) => {
        this.#found.push({ name: (error as Error).name, what: (error as Error).message, at: step })
        if (learner.step !== step) throw error
        // What failed for a moment does not the next time.
        this.#mended(learner)
        await this.#step(texts[step - begun], step)
      })
    }
  }

  /** Gives the parts of a learner their own methods back. */
  #mended({ strategy }: Life['learner']): void {
    for (const penalty of strategy.penalties ?? []) {
      const { loss } = penalty as { loss: { own?: typeof penalty.loss } & typeof penalty.loss }
      if (loss.own !== undefined) Object.assign(penalty, { loss: loss.own })
    }
  }

  async #step(text: string, step: number): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    const chunk = {
      domain: 'notes',
      tokens: bytes,
      positionAfter: () => ({ file: 'experience', offset: step + 1 }),
    }
    const quiet = {
      heldOut: [],
      measureEvery: Infinity,
      onStep: () => {},
      betweenSteps: () => Promise.resolve(),
    }
    await consume(this.life, [chunk], { ...quiet, stop: never })
  }

  /** Saves; a disk that refuses is noted, and learning goes on. */
  async #save(): Promise<void> {
    const { origin, learner } = this.life
    if (origin !== undefined)
      Object.assign(origin, { experience: { next: learner.step, bytes: 0, seen: null } })
    try {
      await saveLife(this.disk, this.life)
    } catch (error) {
      this.#found.push({ name: 'a save that failed', what: (error as Error).message, at: learner.step })
    }
  }

  async #mend(night: number, fault: Fault): Promise<void> {
    await fault.mend?.(this)
    if (fault.ofLearner) {
      this.life.learner.dispose()
      this.life = await loadLife(this.disk, {}, { kept: this.#sound })
      await this.#learn(night, () => Promise.resolve())
    }
    await this.#save()
  }

  /** Keeps what is sound, and lets go of all but the latest two. */
  async #keep(): Promise<void> {
    this.#sound = await keepCheckpoint(this.disk)
    for (const kept of (await keptCheckpoints(this.disk)).slice(0, -2))
      await forgetCheckpoint(this.disk, kept)
  }

  async #withJournal<T>(
    work: (journal: Awaited<ReturnType<typeof openExperience>>) => Promise<T>,
  ): Promise<T> {
    const journal = await openExperience(nodeDisk(join(this.folder, 'experience')), {
      segmentBytes: 64 * 1024,
    })
    try {
      return await work(journal)
    } finally {
      await journal.close()
    }
  }

  #refusing(disk: Disk): Disk {
    const refused = <A extends unknown[], R>(
      work: (...args: A) => Promise<R>,
    ): ((...args: A) => Promise<R>) => {
      return (...args) =>
        this.isFull ? Promise.reject(new Error('ENOSPC: no space left on device')) : work(...args)
    }
    return { ...disk, write: refused(disk.write), create: refused(disk.create) }
  }

  async #end(): Promise<Omit<Lived, 'faults' | 'strays'>> {
    const { learner, record } = await loadLife(this.disk)
    const numbers = await keptCheckpoints(this.disk)
    let read = 0
    for (const kept of numbers) {
      await loadLife(this.disk, {}, { kept })
      read++
    }
    const losses = record.prequential.map(({ bitsPerByte }) => bitsPerByte)
    const tenth = Math.max(1, Math.floor(losses.length / 10))
    return {
      ...{
        weights: await weightsOf(learner),
        first: mean(losses.slice(0, tenth)),
        last: mean(losses.slice(-tenth)),
      },
      ...{ steps: learner.step, read, kept: numbers.length },
      experiences: await this.#withJournal((journal) => Promise.resolve(journal.next)),
      sleeps: record.events.filter(({ event }) => event.kind === 'sleep').length,
    }
  }
}

const { signal: never } = new AbortController()
const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length

async function weightsOf({ model }: Life['learner']): Promise<string> {
  const hash = createHash('sha256')
  for (const { tensor } of model.parameters)
    hash.update(new Uint8Array(Float32Array.from(await tensor.read()).buffer))
  return hash.digest('hex')
}
