/** The files of MNIST: numbers of one byte in an array of any number of axes, compressed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { UsageError } from '../benchmark.ts'

/** An array of bytes. */
export interface ByteArray {
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** The four files of a folder. */
export const mnistFiles = {
  train: { images: 'train-images-idx3-ubyte.gz', labels: 'train-labels-idx1-ubyte.gz' },
  test: { images: 't10k-images-idx3-ubyte.gz', labels: 't10k-labels-idx1-ubyte.gz' },
} as const

/** Element type of single bytes, in the third byte of a file. */
const uint8 = 8

export function readIdx(path: string): ByteArray {
  const file = gunzipSync(readFileSync(path))
  if (file[2] !== uint8) throw new RangeError(`${path}: got numbers of type ${file[2]}; expected bytes (8).`)
  const shape = Array.from({ length: file[3] }, (_, axis) => file.readUInt32BE(4 + 4 * axis))
  return { shape, bytes: file.subarray(4 + 4 * shape.length) }
}

export function writeIdx(path: string, { shape, bytes }: ByteArray): void {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.set([0, 0, uint8, shape.length])
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  writeFileSync(path, gzipSync(Buffer.concat([header, bytes]), { level: 1 }))
}

/** The folder of the four files: the given one, or `mnist` in it. Throws UsageError where they are not. */
export function mnistFolder(who: string, data: string | undefined): string {
  if (data === undefined)
    throw new UsageError(`${who}: got no --data DIR; expected a folder with the four files of MNIST.`)
  const places = [data, join(data, 'mnist')]
  const names = Object.values(mnistFiles).flatMap((set) => Object.values(set))
  const found = places.find((place) => names.every((name) => existsSync(join(place, name))))
  if (found === undefined)
    throw new UsageError(`${who}: looked in ${places.join(' and ')}; expected ${names.join(', ')} there.`)
  return found
}
