/** A sense that arrives later: bytes of pictures, sound or series, in patches. */
import { extendAxis, keepAxis, OptionError, type ParameterChange, shown } from '@burgeon/tensor'
import { checkPatches, largestPatch } from '../../../config/check-patches.ts'
import type { GptConfig, PatchConfig, SenseConfig } from '../../../config/gpt-config.ts'
import { gptConfig } from '../../../config/gpt-sizes.ts'
import { type ParameterSpec, parameterSpecs } from '../../../config/parameters.ts'
import { localStart, mixed, neighbors } from '../../../config/patch-parameters.ts'
import { additions, small, zero } from '../../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../../changes/planned-growth.ts'
import type { AddSense, GrowVocabulary } from '../../requests/growth-request.ts'
import { growVocabulary } from './grow-vocabulary.ts'

const allBytes: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte)

/**
 * Its tokens are the mean of all bytes at first: the one before a piece, which is only ever read unless it
 * has a share, and the one behind a piece of open length.
 */
export const tokensOfSense = ({ frames, share = 0 }: AddSense): GrowVocabulary => ({
  kind: 'growVocabulary',
  tokens: [{ parts: allBytes, share }, ...(frames === undefined ? [{ parts: allBytes }] : [])],
})

/** The configuration with one more sense, and a front that has room for it. */
function configAfter(config: GptConfig, request: AddSense): GptConfig {
  const { name, patches, columns, header, frames } = request
  if (config.pretrained !== undefined || config.packed !== undefined || config.vocabulary < 256) {
    throw new OptionError(
      'grow addSense: got a pretrained or packed model, or one of less than 256 tokens; expected one whose first tokens are the bytes.',
    )
  }
  const rows = patches.length / columns
  if (!Number.isSafeInteger(columns) || columns < 1 || !Number.isSafeInteger(rows) || rows < 1) {
    throw new OptionError(
      `grow addSense: got ${patches.length} patches in ${shown(columns)} columns; expected whole rows of them.`,
    )
  }
  const bytes = patches.reduce((most, size) => Math.max(most, size), header ?? 1)
  if (!Number.isSafeInteger(bytes) || bytes > largestPatch) {
    throw new OptionError(
      `grow addSense: got a patch of ${shown(bytes)} bytes; expected 1 to ${largestPatch}.`,
    )
  }
  const sense: SenseConfig = {
    ...{ name, token: config.vocabulary, ...(header !== undefined && { header }), patches, rows, columns },
    ...(frames === undefined ? { end: config.vocabulary + 1 } : { frames }),
  }
  const after = growVocabulary.configAfter(config, tokensOfSense(request))
  const front = config.patches ?? emptyFront(request, bytes)
  const grown: PatchConfig = {
    ...front,
    bytes: Math.max(front.bytes, bytes),
    rows: Math.max(front.rows, rows),
    columns: Math.max(front.columns, columns),
    local: { ...front.local, context: Math.max(front.bytes, bytes) },
    senses: [...front.senses, sense],
  }
  checkPatches('grow addSense', after, grown)
  return { ...after, patches: grown }
}

/** Channels of a head of the local decoder. */
const headDim = 16

function emptyFront(
  { byteEmbed = 16, localEmbed = 64, localLayers = 1, besideEmbed = 0, mixing = 0 }: AddSense,
  bytes: number,
): PatchConfig {
  if (localEmbed % headDim !== 0) {
    throw new OptionError(
      `grow addSense: got localEmbed ${shown(localEmbed)}; expected a multiple of ${headDim}.`,
    )
  }
  const heads = localEmbed / headDim
  const sizes = { vocabulary: 256, context: bytes, embed: localEmbed, heads, layers: localLayers }
  const local = gptConfig(mixing > 0 ? { ...sizes, untiedHead: true } : sizes)
  const ofNeighbors = besideEmbed === 0 ? {} : { beside: besideEmbed }
  const ofMixing = mixing === 0 ? {} : { mixing }
  return { byteEmbed, bytes, rows: 1, columns: 1, ...ofNeighbors, ...ofMixing, local, senses: [] }
}

/** Whether a parameter has rows for each byte of a patch: new ones meet what stands behind short patches. */
const readsBytes = (path: string): boolean =>
  path === 'embed.patch.weight' ||
  neighbors.some((which) => path === `${localStart}beside.${which}.weight`) ||
  mixed.some((from) => path === `${localStart}mixing.${from}.weight`)

/** Parameters of the front. */
const isOfFront = ({ path }: Pick<ParameterSpec, 'path'>): boolean =>
  path.startsWith(localStart) || /^embed\.(patch|row|column)\./.test(path)

/**
 * The token and, with the first sense, the front: rows without the new token are read as before, so every
 * logit stays. A front that a larger patch asks for more room has new slots, which nothing was read into and
 * which write nothing yet, and later positions, which no shorter patch reaches.
 */
function plan(request: AddSense, { config, after, key }: GrowthStep): PlannedGrowth {
  const { changes } = growVocabulary.plan(tokensOfSense(request), { config, after, key }).plan
  const known = new Map(parameterSpecs(config).map((spec) => [spec.path, spec]))
  const resized = parameterSpecs(after).flatMap((spec): ParameterChange[] => {
    const before = known.get(spec.path)?.shape
    if (!isOfFront(spec) || before === undefined || before.join() === spec.shape.join()) return []
    const dimensions = spec.shape.map((to, i) => (to > before[i] ? extendAxis(before[i], to) : keepAxis(to)))
    return [
      {
        kind: 'resize',
        path: spec.path,
        dimensions,
        fresh: readsBytes(spec.path) ? zero : small,
      },
    ]
  })
  const added = additions(config, after).filter(isOfFront)
  const summary = `sense ${request.name}, token ${config.vocabulary}`
  return planned(request, { config, after, key, summary, changes: [...changes, ...resized, ...added] })
}

/** The operator of `AddSense`. */
export const addSense: Operator<AddSense> = { configAfter, plan }
