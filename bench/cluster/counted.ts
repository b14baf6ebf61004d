/** Stores that count what goes through them: what a machine would send and receive. */
import type { Blobs, Log } from '@burgeon/cluster'

/** Bytes that one machine has sent and received. */
export class Traffic {
  bytes = 0

  blobs(own: Blobs): Blobs {
    return {
      ...own,
      put: async (bytes) => {
        this.bytes += bytes.length
        return own.put(bytes)
      },
      get: async (digest) => {
        const bytes = await own.get(digest)
        this.bytes += bytes.length
        return bytes
      },
    }
  }

  log(own: Log): Log {
    const noted = (payload: Uint8Array): void => void (this.bytes += payload.length)
    return {
      append: async (payload, options) => {
        noted(payload)
        return own.append(payload, options)
      },
      async *read(from, options) {
        for await (const entry of own.read(from, options)) {
          noted(entry.payload)
          yield entry
        }
      },
      last: () => own.last(),
      close: () => own.close(),
    }
  }
}
