/** What a life says of itself in its model card, after Mitchell et al. 2019. Plain data; nothing is invented. */
import { auditHeadAt, readAudit, verifyAudit } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument } from '@burgeon/tensor'
import type { CardFacts } from '../../report/card/card-text.ts'
import { type DeclaredLimits, limitsOf } from '../audit/declared-limits.ts'
import { aFolder } from '../life/a-folder.ts'
import { certaintyLines } from '../life/life-certainty.ts'
import { type KnownLife, loadLife } from '../life/life-checkpoint.ts'
import { predictedOf } from '../record/life-record.ts'

/** A model card, as far as the life itself knows it. */
export type LifeCard = CardFacts<DeclaredLimits>

/**
 * Reads a model card off the life in a folder.
 *
 * @throws CheckpointError if there is none.
 */
export async function lifeCard(folder: string): Promise<LifeCard> {
  checkArgument('lifeCard', 'folder', folder, aFolder)
  const disk = nodeDisk(folder)
  const life = await loadLife(disk)
  const place = life.record.audit?.place
  const verdict = place && (await verifyAudit(disk, { place }))
  const entries = verdict?.ok ? (await readAudit(disk, place)).entries : []
  const first = entries.find(({ kind }) => kind === 'settings')
  const card = cardOf(life, (first?.data as DeclaredLimits | undefined) ?? null)
  life.learner.dispose()
  life.learner.model.dispose()
  return { ...card, audit: place && verdict ? { ...auditHeadAt(place), holds: verdict.ok } : null }
}

function cardOf(
  { settings, learner, record, origin }: KnownLife,
  declared: DeclaredLimits | null,
): Omit<LifeCard, 'audit'> {
  const { config, parameters } = learner.model
  const predicted = predictedOf(record)
  const { guard, penalties = [] } = learner.strategy
  const sizes = record.parameters.map((one) => one.parameters)
  return {
    model: {
      parameters: parameters.size,
      blocks: config.blocks.length,
      width: config.embed,
      context: config.context,
      vocabulary: config.vocabulary,
      pretrained: settings.pretrained === true,
      seed: settings.seed,
    },
    life: { step: learner.step, bytes: record.bytes, seconds: record.seconds },
    data: {
      sources: origin.sources.map(({ label, read: { files } }) => ({
        ...{ label, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) },
      })),
      experiences: origin.experience?.next ?? 0,
      domains: domainsOf(record),
    },
    predicted: predicted && { mean: predicted.mean, late: predicted.faded },
    heldOut: heldOutOf(record),
    certainty: certaintyLines(settings, learner),
    growth: {
      born: sizes[0],
      now: parameters.size,
      events: record.events.flatMap(({ bytes, event }) =>
        event.kind === 'growth' ? [{ step: event.step, bytes, summary: event.summary }] : [],
      ),
    },
    changes: {
      declared,
      now: limitsOf(settings),
      isWithin: declared && Math.max(...sizes, parameters.size) <= declared.maxParameters,
    },
    guards: [...(guard ? [guard.name] : []), ...penalties.map(({ name }) => name)],
  }
}

function domainsOf({ spans, bytes: all }: KnownLife['record']): LifeCard['data']['domains'] {
  const total = new Map<string, number>()
  for (const { domain, from, to } of spans) total.set(domain, (total.get(domain) ?? 0) + to - from)
  return [...total]
    .map(([name, bytes]) => ({ name, bytes, share: bytes / Math.max(1, all) }))
    .toSorted((a, b) => b.bytes - a.bytes)
}

function heldOutOf({ measurements }: KnownLife['record']): LifeCard['heldOut'] {
  const found = new Map<string, { first: number; last: number }>()
  for (const { bitsPerByte } of measurements) {
    for (const [name, last] of Object.entries(bitsPerByte)) {
      found.set(name, { first: found.get(name)?.first ?? last, last })
    }
  }
  return [...found].map(([name, bits]) => ({ name, ...bits }))
}
