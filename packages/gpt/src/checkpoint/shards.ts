/** Tensors dealt out to files, because neither formats nor array buffers hold a file of any size. */
import type { RawTensor } from '@burgeon/tensor'

/**
 * The tensors in their order, cut into files of `fileBytes` at most; a larger tensor has a file of its own.
 *
 * @returns At least one file, which is empty where there are no tensors.
 */
export function shardsOf(
  tensors: ReadonlyMap<string, RawTensor>,
  fileBytes: number,
): readonly ReadonlyMap<string, RawTensor>[] {
  let shard = new Map<string, RawTensor>()
  let size = 0
  const shards = [shard]
  for (const [name, tensor] of tensors) {
    if (shard.size > 0 && size + tensor.bytes.length > fileBytes) {
      shard = new Map()
      size = 0
      shards.push(shard)
    }
    shard.set(name, tensor)
    size += tensor.bytes.length
  }
  return shards
}
