/** The domains of the demonstration as chunks for a learner. */
import type { Chunk } from '@burgeon/continual'
import { checkArgument, checks, fields, OptionError, shown } from '@burgeon/tensor'
import type { LifePosition } from '../session/record/life-record.ts'
import { aPosition } from '../session/record/record-checks.ts'
import type { DomainText } from './domain-text.ts'

/** Bytes per chunk of the default stream: small enough that a pause is noticed soon. */
const chunkBytes = 4096

const severalDomains = checks.list(
  'a list of domains { name, train }',
  fields<Pick<DomainText, 'name' | 'train'>>('a domain', {
    name: checks.text,
    train: checks.instance('bytes', Uint8Array),
  }),
)

/**
 * The domains one after another, from `from` on. A position's `file` is the domain's name.
 *
 * @throws OptionError for what are no domains, and for a place that is in none of them.
 */
export function domainChunks(
  domains: readonly DomainText[],
  from?: LifePosition,
): Generator<Chunk<LifePosition>> {
  checkArgument('domainChunks', 'domains', domains, severalDomains)
  if (from === undefined) return chunksOf(domains, 0, 0)
  checkArgument('domainChunks', 'from', from, aPosition)
  const first = domains.findIndex(({ name }) => name === from.file)
  if (first < 0) {
    const names = domains.map(({ name }) => shown(name)).join(', ')
    throw new OptionError(
      `domainChunks: got from in ${shown(from.file)}; expected a place in one of the domains ${names || '(none)'}.`,
    )
  }
  return chunksOf(domains, first, from.offset)
}

function* chunksOf(
  domains: readonly DomainText[],
  first: number,
  begin: number,
): Generator<Chunk<LifePosition>> {
  for (const [i, { name, train }] of domains.entries()) {
    if (i < first) continue
    for (let offset = i === first ? begin : 0; offset < train.length; offset += chunkBytes) {
      yield {
        domain: name,
        tokens: train.subarray(offset, offset + chunkBytes),
        positionAfter: (used) => ({ file: name, offset: offset + used }),
      }
    }
  }
}
