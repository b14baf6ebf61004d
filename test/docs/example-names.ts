/** What an `@example` may name without saying where it comes from: values that every reader can imagine. */
import type { ServedModel } from '@burgeon/server'
import type { Gpt } from 'burgeon'
import type { LabelledExamples, Learner, Model } from 'burgeon/continual'
import type { LoraAdapter } from 'burgeon/gpt'
import type { RandomStream, Tensor } from 'burgeon/tensor'

/** A model. */
export declare const model: Gpt
/** One that is served. */
export declare const served: ServedModel
/** A tensor of floats. */
export declare const x: Tensor
/** `i32 [B, T]`. */
export declare const tokens: Tensor
export declare const adapter: LoraAdapter
/** A stream of random numbers. */
export declare const random: RandomStream
/** A measured loss. */
export declare const loss: number
/** A kept or coming thing, and the places that keep such things. */
export declare const item: unknown
export declare const kept: unknown[]
/** A function that takes text or tokens to wherever they shall go. */
export declare function write(what: string | number | Uint8Array): void
/** What a learner does when the stream has changed. */
export declare function consolidate(): void
/** A learner of some model, and examples that someone has labelled. */
export declare const learner: Learner<Model>
export declare const examples: LabelledExamples
/** A test of some test runner, and what it asserts with. */
export declare function test(name: string, body: () => void): void
export declare function assert(holds: boolean, message?: string): void
