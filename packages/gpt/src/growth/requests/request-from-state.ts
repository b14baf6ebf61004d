/** Reads the requests of saved growth logs, records and journals, also those of earlier versions. */
import { type Check, checkArgument } from '@burgeon/tensor'
import type { GrowthKind, GrowthRequest } from './growth-request.ts'

/** Versions before 0.2 said `axis` for the kind of a request, and most kinds had other names. */
const kindsByAxis: Readonly<Record<string, GrowthKind>> = {
  mlpHidden: 'widenMlp',
  head: 'addHeads',
  kvHead: 'addKvHeads',
  headDim: 'widenHeads',
  layer: 'addLayer',
  stack: 'copyLayers',
  embed: 'widenEmbed',
  vocabulary: 'growVocabulary',
  context: 'growContext',
  adapter: 'addAdapter',
  experts: 'addExperts',
  pruneHidden: 'pruneUnits',
  pruneHead: 'pruneHeads',
  pruneLayer: 'pruneLayer',
}

/** A request as versions before 0.2 wrote it: the fields of its kind beside the old name of that. */
export interface EarlierRequest {
  readonly axis: string
}

/** The present kind of what earlier versions called an axis; undefined for anything else. */
export function kindOfAxis(axis: unknown): GrowthKind | undefined {
  return typeof axis === 'string' && Object.hasOwn(kindsByAxis, axis) ? kindsByAxis[axis] : undefined
}

const aSavedRequest: Check<GrowthRequest | EarlierRequest> = {
  expected: 'a saved growth request: an object with kind, or with axis as versions before 0.2 wrote it',
  accepts: (value): value is GrowthRequest | EarlierRequest =>
    typeof value === 'object' && value !== null && ('kind' in value || 'axis' in value),
}

/**
 * A saved request in the present form. Its fields are looked at when it is planned.
 *
 * @throws OptionError for what has neither a kind nor an axis.
 */
export function requestFromState(saved: GrowthRequest | EarlierRequest): GrowthRequest {
  checkArgument('requestFromState', 'saved', saved, aSavedRequest)
  if ('kind' in saved) return saved
  const { axis, ...fields } = saved
  return { kind: kindOfAxis(axis) ?? axis, ...fields } as unknown as GrowthRequest
}
