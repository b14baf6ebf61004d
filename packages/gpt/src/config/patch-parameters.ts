/** The parameters of a patch front: what it has beside the blocks. */
import type { Axis, InitialValues } from '@burgeon/tensor'
import type { GptConfig, PatchConfig } from './gpt-config.ts'
import type { ParameterSpec } from './parameter-spec.ts'

const normal = (standardDeviation: number): InitialValues => ({ kind: 'normal', standardDeviation })

/** What the paths of the local decoder begin with. */
export const localStart = 'local.'

/**
 * The patches that the local decoder sees beside what the blocks say: the one to the left, the one above, and
 * the one at the same place in the frame before.
 */
export const neighbors = ['left', 'above', 'before'] as const

/** Where the bytes are that each byte of a patch takes from: those patches, and itself. */
export const mixed: readonly [...typeof neighbors, 'own'] = [...neighbors, 'own']

/**
 * The parameters of a patch front: bytes inside a patch, the map of a patch, rows, columns; the map from the
 * stream to the local decoder, with `beside` those from the stream and the neighbors to each byte of a patch,
 * with `mixing` those by which each byte takes from each byte beside and before it, and its own parameters.
 *
 * Bytes start as cosines of their value, so that bytes that are near each other look alike from the first
 * step on; what stands behind the end of a short patch is 0. What a patch says starts as large as a token,
 * its row and column larger, so that attention tells places apart from the first step on. Axes of the decoder
 * are its own affair: growth of the model leaves it as it is.
 *
 * @param specsOf The parameters of a model, for the local decoder.
 */
export function patchSpecs(
  { embed }: GptConfig,
  patches: PatchConfig,
  specsOf: (config: GptConfig) => ParameterSpec[],
): ParameterSpec[] {
  const { byteEmbed, bytes, rows, columns, beside, mixing, local } = patches
  const inner = bytes * byteEmbed
  const table = (
    path: string,
    axes: readonly Axis[],
    shape: number[],
    initial: InitialValues,
  ): ParameterSpec => ({
    ...{ path, axes, shape, initial },
  })
  const ofNeighbors = (width: number): ParameterSpec[] => [
    table(`${localStart}beside.weight`, ['embed', 'output'], [embed, width], normal(1 / Math.sqrt(embed))),
    ...neighbors.map((which) =>
      table(
        `${localStart}beside.${which}.weight`,
        ['input', 'output'],
        [inner, width],
        normal(1 / Math.sqrt(8 * byteEmbed)),
      ),
    ),
    table(
      `${localStart}beside.bytes.weight`,
      ['output', 'output', 'output'],
      [width, bytes, local.embed],
      normal(0.5 / Math.sqrt(width)),
    ),
  ]
  const ofMixing = (heads: number): ParameterSpec[] => [
    ...mixed.map((from) =>
      table(
        `${localStart}mixing.${from}.weight`,
        ['input', 'output', 'output'],
        [bytes, bytes, heads],
        normal(0.3),
      ),
    ),
    table(
      `${localStart}mixing.out.weight`,
      ['input', 'output'],
      [byteEmbed * heads, local.embed],
      normal(0.5 / Math.sqrt(heads)),
    ),
  ]
  return [
    table('embed.patch.byte.weight', ['input', 'output'], [257, byteEmbed], cosines(257, byteEmbed)),
    table('embed.patch.weight', ['input', 'embed'], [inner, embed], normal(0.05 / Math.sqrt(8 * byteEmbed))),
    table('embed.row.weight', ['input', 'embed'], [rows, embed], normal(0.05)),
    table('embed.column.weight', ['input', 'embed'], [columns, embed], normal(0.05)),
    table(`${localStart}in.weight`, ['embed', 'output'], [embed, local.embed], normal(1 / Math.sqrt(embed))),
    ...(beside === undefined ? [] : ofNeighbors(beside)),
    ...(mixing === undefined ? [] : ofMixing(mixing)),
    ...specsOf(local).map(({ path, axes, ...spec }) => ({
      ...spec,
      path: localStart + path,
      axes: axes.map((): Axis => 'output'),
      // A byte that is read, too, looks like those near it; what predicts bytes has a matrix of its own then.
      ...(local.untiedHead && path === 'embed.token.weight' && { initial: cosines(256, local.embed) }),
    })),
  ]
}

/**
 * cos(π·k·b/255)/(1 + k) for byte b and k from 0, `[rows, width]`: how bright it is counts most, and what
 * tells neighbors apart least. A row behind the bytes is 0.
 */
function cosines(rows: number, width: number): InitialValues {
  const values = Float64Array.from({ length: rows * width }, (_, i) => {
    const [byte, k] = [Math.floor(i / width), i % width]
    return byte < 256 ? Math.cos((Math.PI * k * byte) / 255) / (1 + k) : 0
  })
  return { kind: 'values', values }
}
