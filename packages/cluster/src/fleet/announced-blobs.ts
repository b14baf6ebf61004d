/** The numbers of a source's latest announcements, in a store that replicas see. */
import type { ParameterStore } from '@burgeon/tensor'
import type { Blobs } from '../seams/blobs.ts'
import { type WeightsBlob, type WeightsManifest, writeBlob } from './weights-message.ts'

/** Keeps so many blobs, and what is attached to the latest of them; lets go of the oldest. */
export class AnnouncedBlobs {
  readonly #blobs: Blobs
  readonly #keeps: number
  /** Blobs of numbers with what is attached to them, oldest first. */
  #kept: readonly { readonly blob: string; readonly attached: string | null }[] = []
  #attached: string | null = null

  constructor(blobs: Blobs, keeps: number) {
    this.#blobs = blobs
    this.#keeps = keeps
  }

  /** Puts some parameters of a manifest; returns the digest of their blob, and its bytes. */
  async put(
    of: WeightsBlob['of'],
    manifest: WeightsManifest,
    weights: ParameterStore,
    paths: readonly string[],
  ): Promise<{ readonly blob: string; readonly bytes: number }> {
    const changed = new Map<string, Float32Array>()
    for (const path of paths) changed.set(path, Float32Array.from(await weights.get(path).tensor.read()))
    const bytes = writeBlob(of, manifest, changed)
    const blob = await this.#blobs.put(bytes)
    const all = [...this.#kept.filter((one) => one.blob !== blob), { blob, attached: manifest.attached }]
    const before = this.#own
    this.#kept = all.slice(-this.#keeps)
    const own = this.#own
    for (const old of before) if (!own.has(old)) await this.#blobs.remove(old)
    return { blob, bytes: bytes.length }
  }

  /** Puts what is attached from now on; returns its digest. */
  async attach(bytes: Uint8Array): Promise<string> {
    const attached = await this.#blobs.put(bytes)
    this.#attached = attached
    return attached
  }

  /** Lets go of all of them. */
  async removeAll(): Promise<void> {
    const own = this.#own
    this.#kept = []
    this.#attached = null
    for (const blob of own) await this.#blobs.remove(blob)
  }

  /** Removes from the store what is none of them. */
  async removeOthers(): Promise<void> {
    for (const blob of await this.#blobs.list()) if (!this.#own.has(blob)) await this.#blobs.remove(blob)
  }

  get #own(): ReadonlySet<string> {
    const all = [this.#attached, ...this.#kept.flatMap(({ blob, attached }) => [blob, attached])]
    return new Set(all.filter((digest) => digest !== null))
  }
}
