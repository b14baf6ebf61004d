/** Which weights an answer comes from. */
import { createHash } from 'node:crypto'
import type { ServedModel } from './served/served-model.ts'

/** Finds the version of a model's weights; the digest is worked out once for each. */
export class WeightsVersion {
  readonly #served: ServedModel
  #known:
    | { readonly model: object; readonly step: number; readonly size: number; readonly version: string }
    | undefined

  constructor(served: ServedModel) {
    this.#served = served
  }

  /** `STEP-DIGEST`: steps learnt, and the beginning of the SHA-256 of all weights in order. Asked in a turn. */
  async now(): Promise<string> {
    const { model, step: stepOf } = this.#served
    const [step, { size }] = [stepOf(), model.parameters]
    const known = this.#known
    // After a rollback the same step may have other weights.
    if (known?.model === model && known.step === step && known.size === size) return known.version
    const hash = createHash('sha256')
    for (const { path, tensor } of model.parameters) {
      hash.update(`${path}[${tensor.shape.join()}]`)
      const { buffer, byteOffset, byteLength } = await tensor.read()
      hash.update(new Uint8Array(buffer, byteOffset, byteLength))
    }
    const version = `${step}-${hash.digest('hex').slice(0, 12)}`
    this.#known = { model, step, size, version }
    return version
  }
}
