/** Writes the same weights as a folder of the hub, as GGUF and as ONNX: each peer reads its own kind. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelFiles } from '../peers/generation/writer.ts'
import { ggufParts } from './gguf.ts'
import { onnxParts } from './onnx.ts'
import { bytesOf } from './protocol-buffers.ts'
import { configOf, randomWeights, type Shape, type WeightsByName } from './shapes.ts'

/** Writes all files of a shape into a folder. */
export function writeModelFiles(shape: Shape, folder: string): ModelFiles {
  mkdirSync(folder, { recursive: true })
  const weights = randomWeights(shape)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape)))
  const files = { folder, gguf: join(folder, 'model.gguf'), onnx: join(folder, 'model.onnx') }
  writeParts(join(folder, 'model.safetensors'), safetensorsParts(weights))
  writeParts(files.gguf, ggufParts(shape, weights))
  writeParts(files.onnx, onnxParts(shape, weights))
  return files
}

function* safetensorsParts(weights: WeightsByName): Generator<Uint8Array> {
  let end = 0
  const entries = [...weights].map(([name, { shape, numbers }]) => {
    const start = end
    end += numbers.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }] as const
  })
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  yield new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer)
  yield header
  for (const { numbers } of weights.values()) yield bytesOf(numbers)
}

function writeParts(path: string, parts: Iterable<Uint8Array>): void {
  const file = openSync(path, 'w')
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length; )
        at += writeSync(file, part, at, Math.min(part.length - at, 2 ** 28))
    }
  } finally {
    closeSync(file)
  }
}
