/** A store of bytes in the memory of this process. */
import { checkArgument } from '@burgeon/tensor'
import { BlobError } from '../../errors.ts'
import { aDigest, type Blobs, someBytes } from '../blobs.ts'
import { digestOf } from '../digest.ts'

/** A store of bytes in the memory of this process, gone with it: for one machine, and for tests. */
export function memoryBlobs(): Blobs {
  const kept = new Map<string, Uint8Array>()
  return {
    async put(bytes) {
      checkArgument('memoryBlobs: put', 'bytes', bytes, someBytes)
      const own = new Uint8Array(bytes)
      const digest = await digestOf(own)
      if (!kept.has(digest)) kept.set(digest, own)
      return digest
    },
    async get(digest) {
      checkArgument('memoryBlobs: get', 'digest', digest, aDigest)
      const found = kept.get(digest)?.slice()
      if (found === undefined) {
        throw new BlobError(`memoryBlobs: there are no bytes of digest ${digest}; put them first.`)
      }
      return found
    },
    async has(digest) {
      checkArgument('memoryBlobs: has', 'digest', digest, aDigest)
      return Promise.resolve(kept.has(digest))
    },
    list: () => Promise.resolve([...kept.keys()].toSorted()),
    async remove(digest) {
      checkArgument('memoryBlobs: remove', 'digest', digest, aDigest)
      kept.delete(digest)
      return Promise.resolve()
    },
  }
}
