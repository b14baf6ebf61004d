/** What the page and its worker say to each other. */

/** Where tensors live: on the GPU, on the CPU, or on the GPU where there is one. */
export type DeviceChoice = 'auto' | 'webgpu' | 'wasm'

/** From the page. */
export type Request =
  | { readonly kind: 'open'; readonly device: DeviceChoice }
  /** A new model instead of the present one; of files, with their weights. */
  | { readonly kind: 'begin'; readonly files: readonly File[]; readonly growEvery: number }
  | { readonly kind: 'learn'; readonly text: string; readonly title: string }
  | { readonly kind: 'pause' }
  | { readonly kind: 'write'; readonly prompt: string; readonly tokens: number }
  | { readonly kind: 'save' }

/** The parts of a model that a picture shows. */
export interface Sizes {
  readonly embed: number
  readonly context: number
  readonly blocks: readonly { readonly heads: number; readonly mlpHidden: number }[]
}

/** One step of learning. */
export interface Point {
  readonly step: number
  /** How well the text was predicted before it was learnt. */
  readonly bitsPerByte: number
  readonly parameters: number
  /** What the model has become, in words, where it grew in this step. */
  readonly growth: string | null
}

/** All that the page shows of a model. */
export interface View {
  readonly device: string
  readonly sizes: Sizes
  readonly parameters: number
  readonly course: readonly Point[]
  /** The text that it learns; empty before the first. */
  readonly text: string
  readonly title: string
  readonly step: number
}

/** From the worker. */
export type Reply =
  | { readonly kind: 'opened'; readonly view: View; readonly isResumed: boolean }
  | { readonly kind: 'stepped'; readonly point: Point; readonly sizes: Sizes }
  | { readonly kind: 'learning'; readonly isLearning: boolean; readonly title: string }
  | { readonly kind: 'wrote'; readonly piece: string; readonly isEnd: boolean }
  | { readonly kind: 'saved'; readonly step: number }
  | { readonly kind: 'failed'; readonly message: string }
