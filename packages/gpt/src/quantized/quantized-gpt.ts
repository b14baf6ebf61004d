/** A model with packed weights: it reads and writes as the one it was made of, and cannot change. */
import type { Device, Tensor, TensorsByPath } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { forward, losses } from '../forward/forward.ts'
import type { ForwardOptions, LossOptions } from '../forward/forward-options.ts'
import { generate } from '../generation/generate.ts'
import type { GenerateOptions, GenerativeModel, Prompt } from '../generation/generate-options.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generated, GeneratedToken } from '../generation/generation-row.ts'

/** Tensors by path, some of them packed, and how many numbers they stand for. */
export interface PackedParameters {
  readonly tensors: TensorsByPath
  readonly size: number
}

/**
 * A model for inference, made by `quantized`. Its configuration says how its weights are packed. It does not
 * learn and does not grow: train or grow the model it was made of, and pack that again.
 */
export class QuantizedGpt implements GenerativeModel {
  readonly config: GptConfig
  readonly device: Device
  #tensors: TensorsByPath
  #size: number

  /** Use `quantized`. The tensors become this model's own. */
  constructor(config: GptConfig, device: Device, { tensors, size }: PackedParameters) {
    this.config = config
    this.device = device
    this.#tensors = tensors
    this.#size = size
  }

  /** The tensors by path, packed ones as rows of words, and the number of numbers that they stand for. */
  get parameters(): GenerativeModel['parameters'] {
    return { tensors: () => ({ ...this.#tensors }), size: this.#size }
  }

  /** Bytes that its tensors take on the device. */
  get bytes(): number {
    return Object.values(this.#tensors).reduce((total, { storage }) => total + storage.bytes, 0)
  }

  /**
   * Predicts the next token after every token, as `Gpt.forward`.
   *
   * @param tokens `i32 [B, T]`.
   * @param weights Other weights, packed in the same way; its own unless given.
   * @returns Logits, `f32 [B·T, V]`; with `lastOnly` `f32 [B, V]`.
   */
  forward(tokens: Tensor, weights: TensorsByPath = this.#tensors, options: ForwardOptions = {}): Tensor {
    return forward(this.config, weights, tokens, options)
  }

  /**
   * The loss of every prediction, in nats, as `Gpt.losses`.
   *
   * @param tokens `i32 [B, T]`.
   * @param weights Other weights, packed in the same way; its own unless given.
   * @param targets `i32 [B·T]`: the next tokens; a negative one is not counted.
   * @returns `f32 [B·T]`.
   */
  losses(
    tokens: Tensor,
    targets: Tensor,
    weights: TensorsByPath = this.#tensors,
    options: LossOptions = {},
  ): Tensor {
    return losses(this.config, weights, tokens, targets, options)
  }

  /** Continues a prompt, as `Gpt.generate`. */
  generate(prompt: string, options: GenerateOptions): Generation<string, Generated>
  generate(prompt: readonly Prompt[], options: GenerateOptions): Generation<GeneratedToken, Generated[]>
  generate(prompt: ArrayLike<number>, options: GenerateOptions): Generation<number, Generated>
  generate(prompt: never, options: GenerateOptions): Generation<unknown, unknown> {
    return generate(this, prompt, options)
  }

  dispose(): void {
    for (const tensor of Object.values(this.#tensors)) tensor.release()
    this.#tensors = {}
    this.#size = 0
  }
}
