/** Numbers that were measured one after the other. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { checkPieceBytes, checkSize, checkSized, type Codec, type Encoded } from '../../codec.ts'
import { SenseError } from '../../sense-error.ts'
import { levelOf, valueOf } from './levels.ts'
import { pastScale, readScales, scaleBytes, writeScales } from './past-scale.ts'

/** A piece of a series of one or more channels. */
export interface Series {
  /** Of each channel its values in order, equally many; NaN where one is missing. 1 to 256 channels. */
  readonly channels: readonly Float64Array[]
  /**
   * Of each channel what came before, as much of it as its scale shall be taken from; NaN where a value is
   * missing. Nothing unless given.
   */
  readonly past?: readonly Float64Array[]
}

const aChannel = checks.instance('numbers in a Float64Array', Float64Array)
const someChannels: Check<readonly Float64Array[]> = checks.list('a list of Float64Arrays', aChannel)
const aSeries: Check<Series> = checks.role('a series', 'channels')

/**
 * A series: after a header patch with median and scale of each channel, a patch for each moment with a byte
 * for each channel: asinh((x − median)/scale) in 255 levels up to 201 scales away, and byte 255 for what is
 * missing. The scale is the median absolute deviation of the past, so nothing that comes later changes what
 * is written. The size is the number of channels.
 *
 * Lossy: a value comes back within half a level, 0.024 scales near the median and 2.4 % of its distance far
 * away; beyond 201 scales it comes back as there. What has come back once comes back unchanged. The past
 * does not come back.
 */
export const series: Codec<Series> = {
  name: 'series',
  version: 1,
  loss: 'A value is rounded by half a level: 0.024 scales of the past, or 2.4 % of its distance from the median.',
  gridOf(size) {
    checkSize('series', size, 1)
    const [channels] = size
    return { header: scaleBytes * channels, patches: [channels], columns: 1 }
  },
  encode(piece) {
    const steps = checkSeries(piece)
    const { channels, past = [] } = piece
    const scales = channels.map((values, i) => pastScale(past[i] ?? new Float64Array(0), values[0] ?? NaN))
    const header = scaleBytes * channels.length
    const bytes = new Uint8Array(header + steps * channels.length)
    bytes.set(writeScales(scales))
    channels.forEach((values, i) =>
      values.forEach((value, t) => {
        bytes[header + t * channels.length + i] = levelOf(value, scales[i])
      }),
    )
    return inMoments(bytes, channels.length)
  },
  decode(sized) {
    const { bytes, size } = checkSized('series', sized, 1)
    const [count] = size
    const header = scaleBytes * count
    if (bytes.length < header || (bytes.length - header) % count !== 0) {
      throw new SenseError(
        'truncated',
        `series: got ${bytes.length} bytes for ${count} channels; expected ${header} and a multiple of ${count}.`,
      )
    }
    const scales = readScales(bytes, count)
    const wrong = scales.find(
      ({ median, scale }) => !Number.isFinite(median) || !(scale > 0 && scale <= 1e300),
    )
    if (wrong !== undefined) {
      throw new SenseError(
        'bad-piece',
        `series: got a header with median ${wrong.median} and scale ${wrong.scale}; expected finite numbers, the scale above 0.`,
      )
    }
    const steps = (bytes.length - header) / count
    const values = (i: number): Float64Array =>
      Float64Array.from({ length: steps }, (_, t) => valueOf(bytes[header + t * count + i], scales[i]))
    return { channels: Array.from({ length: count }, (_, i) => values(i)) }
  },
}

/** Checks a series, and returns its moments. */
export function checkSeries(piece: Series): number {
  checkArgument('series', 'piece', piece, aSeries)
  const { channels, past } = piece
  checkArgument('series', 'channels', channels, someChannels)
  if (channels.length === 0 || channels.length > 256) {
    throw new SenseError('bad-piece', `series: got ${channels.length} channels; expected 1 to 256.`)
  }
  const [{ length }] = channels
  checkPieceBytes('series', channels.length * (length + scaleBytes))
  const other = channels.find((values) => values.length !== length)
  if (other !== undefined) {
    throw new SenseError(
      'bad-piece',
      `series: got channels of ${length} and ${other.length} values; expected equally many.`,
    )
  }
  if (past !== undefined) {
    checkArgument('series', 'past', past, someChannels)
    if (past.length !== channels.length) {
      throw new SenseError(
        'bad-piece',
        `series: got the past of ${past.length} channels; expected ${channels.length}.`,
      )
    }
  }
  for (const values of channels) {
    const infinite = values.find((value) => value === Infinity || value === -Infinity)
    if (infinite === undefined) continue
    throw new SenseError(
      'bad-piece',
      `series: got ${infinite} as a value; expected a number, or NaN for a missing one.`,
    )
  }
  return length
}

/** A header patch at time 0, and a patch for each moment. */
function inMoments(bytes: Uint8Array, channels: number): Encoded {
  const header = scaleBytes * channels
  const count = 1 + (bytes.length - header) / channels
  const patches = new Int32Array(count).fill(channels)
  patches[0] = header
  const places = new Int32Array(3 * count)
  for (let t = 0; t < count; t++) places[3 * t] = t
  return { bytes, size: [channels], patches, places }
}
