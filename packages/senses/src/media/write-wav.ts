/** Sound as a WAV file. */
import { checkArgument } from '@burgeon/tensor'
import { checkPieceBytes } from '../codec.ts'
import { aSound, checkSamples, type Sound } from '../codecs/sound/sound.ts'
import { SenseError } from '../sense-error.ts'

/** Bytes of a sample, and of all that stands before the samples. */
const [sampleBytes, headerBytes] = [2, 44]

/**
 * Writes a WAV file (RIFF, little-endian) of one channel with 16 bits a sample: 1 is written as 32,767, and
 * what is further out too.
 *
 * @returns The whole file, which `readWav` reads back within 1/65,536.
 * @throws SenseError for samples that are no numbers, a rate that is none, or more than 64 MiB.
 */
export function writeWav(sound: Sound): Uint8Array {
  checkArgument('writeWav', 'sound', sound, aSound)
  const { rate } = sound
  const samples = checkSamples('writeWav', sound)
  if (!Number.isSafeInteger(rate) || rate < 1 || rate > 2 ** 31) {
    throw new SenseError('bad-piece', `writeWav: got ${String(rate)} samples per second; expected 1 or more.`)
  }
  const data = sampleBytes * samples.length
  checkPieceBytes('writeWav', headerBytes + data)
  const bytes = new Uint8Array(headerBytes + data)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode('RIFF????WAVEfmt '))
  view.setUint32(4, headerBytes - 8 + data, true)
  view.setUint32(16, 16, true)
  // Samples as they are, one channel.
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate * sampleBytes, true)
  view.setUint16(32, sampleBytes, true)
  view.setUint16(34, 8 * sampleBytes, true)
  bytes.set(new TextEncoder().encode('data'), 36)
  view.setUint32(40, data, true)
  samples.forEach((sample, i) => {
    const level = Math.min(Math.max(Math.round(sample * 2 ** 15), -(2 ** 15)), 2 ** 15 - 1)
    view.setInt16(headerBytes + sampleBytes * i, level, true)
  })
  return bytes
}
