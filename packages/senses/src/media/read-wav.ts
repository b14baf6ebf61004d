/** Sound of a WAV file. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { Sound } from '../codecs/sound/sound.ts'
import { SenseError } from '../sense-error.ts'
import { limitChecks, limitsOf, type MediaLimits } from './limits.ts'

/** How samples are written: its number in the file, bytes of a sample, and what reads one. */
interface Form {
  readonly name: string
  readonly bytes: number
  readonly read: (view: DataView, at: number) => number
}

const forms: Readonly<Record<string, Form>> = {
  '1/8': { name: 'unsigned 8 bits', bytes: 1, read: (view, at) => (view.getUint8(at) - 128) / 128 },
  '1/16': { name: '16 bits', bytes: 2, read: (view, at) => view.getInt16(at, true) / 2 ** 15 },
  '1/24': {
    name: '24 bits',
    bytes: 3,
    read: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
  },
  '1/32': { name: '32 bits', bytes: 4, read: (view, at) => view.getInt32(at, true) / 2 ** 31 },
  '3/32': { name: 'floats', bytes: 4, read: (view, at) => view.getFloat32(at, true) },
}

/** The number of the form that is given in an extension of the header. */
const extensible = 0xfffe

/**
 * Reads a WAV file (RIFF, little-endian): 8, 16, 24 or 32 bits or floats of single precision; of several
 * channels the mean.
 *
 * @param bytes The whole file.
 * @param name What messages call it.
 * @throws SenseError that names the file, for what is no such file, ends early, holds floats that are no
 *   numbers, or exceeds the limits.
 */
export function readWav(bytes: Uint8Array, name: string, limits: MediaLimits = {}): Sound {
  checkArgument('readWav', 'bytes', bytes, checks.instance('bytes in a Uint8Array', Uint8Array))
  checkArgument('readWav', 'name', name, checks.text)
  checkOptions('readWav', limits, limitChecks)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { format, data } = chunksOf(view, name)
  const [tag, channels] = [view.getUint16(format.at, true), view.getUint16(format.at + 2, true)]
  const [rate, bits] = [view.getUint32(format.at + 4, true), view.getUint16(format.at + 14, true)]
  const code = tag === extensible && format.length >= 26 ? view.getUint16(format.at + 24, true) : tag
  const form = Object.hasOwn(forms, `${code}/${bits}`) ? forms[`${code}/${bits}`] : undefined
  if (form === undefined) {
    const known = Object.values(forms).map((each) => each.name)
    throw new SenseError(
      'unsupported',
      `${name}: got samples of form ${code} and ${bits} bits; expected ${known.join(', ')}.`,
    )
  }
  if (channels === 0 || rate === 0) {
    throw new SenseError(
      'bad-piece',
      `${name}: got ${channels} channels and ${rate} samples per second; expected 1 or more.`,
    )
  }
  const frames = Math.floor(data.length / (form.bytes * channels))
  const most = limitsOf(limits).samples
  if (frames * channels > most) {
    throw new SenseError('too-large', `${name}: got ${frames * channels} samples; expected at most ${most}.`)
  }
  const samples = new Float32Array(frames)
  for (let i = 0, at = data.at; i < frames; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++, at += form.bytes) sum += form.read(view, at)
    samples[i] = sum / channels
    if (Number.isFinite(samples[i])) continue
    throw new SenseError('bad-piece', `${name}: got ${samples[i]} as sample ${i}; expected a number.`)
  }
  return { rate, samples }
}

interface Chunk {
  readonly at: number
  readonly length: number
}

/** Where the header of the form and the samples are. */
function chunksOf(view: DataView, name: string): { readonly format: Chunk; readonly data: Chunk } {
  const word = (at: number): string =>
    String.fromCharCode(...Array.from({ length: 4 }, (_, i) => view.getUint8(at + i)))
  if (view.byteLength < 12 || word(0) !== 'RIFF' || word(8) !== 'WAVE') {
    throw new SenseError('bad-piece', `${name}: got no WAV file; expected RIFF and WAVE at its beginning.`)
  }
  const found = new Map<string, Chunk>()
  // A chunk has an even number of bytes.
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const chunk = { at: at + 8, length: view.getUint32(at + 4, true) }
    if (!found.has(word(at))) found.set(word(at), chunk)
    at = chunk.at + chunk.length + (chunk.length % 2)
  }
  const [format, data] = [found.get('fmt '), found.get('data')]
  if (format === undefined || data === undefined || format.length < 16) {
    throw new SenseError(
      'truncated',
      `${name}: got a WAV file without ${data ? 'a form' : 'samples'}; expected both.`,
    )
  }
  const end = Math.max(format.at + format.length, data.at + data.length)
  if (end <= view.byteLength) return { format, data }
  throw new SenseError(
    'truncated',
    `${name}: got ${view.byteLength} bytes; expected ${end} by its header. Is the file whole?`,
  )
}
