/**
 * The buffers of a kernel's calls: bound once for each combination and kept, since making a bind group costs
 * more than a call.
 */
import type { GpuBuffer } from './buffer-pool.ts'
import type { GpuBindGroup, GpuBindGroupLayout, GpuDevice, GpuMemory } from '../gpu-interface.ts'

/** The bind groups so far: a tree whose branches are the numbers of buffers, in the order of the bindings. */
interface Bound {
  readonly next: Map<number, Bound>
  group: GpuBindGroup | undefined
}

/** The uniform buffer with the parameters of all calls, and how many bytes belong to one. */
interface Parameters {
  readonly arena: GpuMemory
  readonly slotBytes: number
}

const computeStage = 4

/** The bind groups of all kernels that have the same reads and writes. */
export class BindGroups {
  readonly layout: GpuBindGroupLayout
  readonly #device: GpuDevice
  readonly #parameters: Parameters
  readonly #root: Bound = { next: new Map(), group: undefined }
  #created = 0

  /** @param access `r` or `w` for each buffer. */
  constructor(device: GpuDevice, access: string, parameters: Parameters) {
    this.#device = device
    this.#parameters = parameters
    const buffers = Array.from(access, (mode, i) => ({
      binding: i + 1,
      visibility: computeStage,
      buffer: { type: mode === 'r' ? 'read-only-storage' : 'storage' },
    }))
    const uniform = { type: 'uniform', hasDynamicOffset: true }
    this.layout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: computeStage, buffer: uniform }, ...buffers],
    })
  }

  /** How many bind groups were made. */
  get created(): number {
    return this.#created
  }

  of(buffers: readonly GpuBuffer[]): GpuBindGroup {
    let bound = this.#root
    for (let i = 0; i < buffers.length; i++) {
      const { id } = buffers[i]
      let next = bound.next.get(id)
      if (next === undefined) bound.next.set(id, (next = { next: new Map(), group: undefined }))
      bound = next
    }
    return (bound.group ??= this.#make(buffers))
  }

  /** Removes the bind groups of buffers that no longer exist. */
  forget(buffers: ReadonlySet<number>): void {
    const prune = (bound: Bound): void => {
      for (const [id, next] of bound.next) {
        if (buffers.has(id)) bound.next.delete(id)
        else prune(next)
      }
    }
    prune(this.#root)
  }

  #make(buffers: readonly GpuBuffer[]): GpuBindGroup {
    this.#created++
    const { arena, slotBytes } = this.#parameters
    const parameters = { binding: 0, resource: { buffer: arena, offset: 0, size: slotBytes } }
    const others = buffers.map(({ memory }, i) => ({ binding: i + 1, resource: { buffer: memory } }))
    return this.#device.createBindGroup({ layout: this.layout, entries: [parameters, ...others] })
  }
}
