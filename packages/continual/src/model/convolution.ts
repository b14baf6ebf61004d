/** Convolution: filters that read every patch of an image alike (LeCun et al. 1998). */
import {
  type Check,
  checkOptions,
  type ChecksOf,
  checks,
  type Device,
  fields,
  gather,
  linear,
  OptionError,
  optional,
  permute,
  relu,
  reshape,
  scope,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'

/** Filters that come before the hidden layers, with a rectifier behind them; no padding. */
export interface Convolution {
  /** Of the image, in pixels, ≥ 1. */
  readonly height: number
  readonly width: number
  /** Numbers of each pixel, side by side among the inputs, ≥ 1. 1 unless given. */
  readonly channels?: number
  /** Number of filters, ≥ 1. */
  readonly filters: number
  /** Height and width of a patch, from 1 to the smaller side of the image. */
  readonly kernelSize: number
  /** Pixels from one patch to the next, ≥ 1. 1 unless given. */
  readonly stride?: number
}

const aSize = checks.integer({ from: 1 })

const convolutionChecks: ChecksOf<Convolution> = {
  height: checks.required(aSize),
  width: checks.required(aSize),
  channels: aSize,
  filters: checks.required(aSize),
  kernelSize: checks.required(aSize),
  stride: aSize,
}

/** Paths of the parameters: the weight `[kernelSize²·channels, filters]` and the bias `[filters]`. */
export const convolutionPaths = { weight: 'convolution.weight', bias: 'convolution.bias' } as const

/** Throws OptionError for sizes out of range, or an image of another size than the inputs. */
export function checkConvolution(who: string, convolution: Convolution, inputs: number): void {
  checkOptions(who, convolution, convolutionChecks)
  const { height, width, channels = 1, kernelSize } = convolution
  if (height * width * channels !== inputs) {
    throw new OptionError(
      `${who}: got an image of ${height} × ${width} × ${channels} for ${inputs} inputs; expected their product.`,
    )
  }
  const most = Math.min(height, width)
  if (kernelSize > most) {
    throw new OptionError(
      `${who}: got kernelSize = ${kernelSize}; expected at most ${most}, the image's side.`,
    )
  }
}

/** The field of a saved network. */
export const savedConvolution: Check<Convolution | undefined> = optional(
  fields<Convolution>('the sizes of a convolution', {
    ...{ height: aSize, width: aSize, channels: optional(aSize) },
    ...{ filters: aSize, kernelSize: aSize, stride: optional(aSize) },
  }),
)

/** Patches of an image, along each side. */
function patchesOf({ height, width, kernelSize, stride = 1 }: Convolution): readonly [number, number] {
  return [Math.floor((height - kernelSize) / stride) + 1, Math.floor((width - kernelSize) / stride) + 1]
}

/** Sizes that follow from those of a convolution. */
export function convolutionSizes(convolution: Convolution): {
  places: number
  patch: number
  outputs: number
} {
  const { channels = 1, kernelSize, filters } = convolution
  const [down, across] = patchesOf(convolution)
  const places = down * across
  return { places, patch: kernelSize * kernelSize * channels, outputs: places * filters }
}

/** Index of the input that each number of each patch is, patch by patch: `[places · patch]`. */
function patchIndices(convolution: Convolution): Int32Array {
  const { width, channels = 1, kernelSize, stride = 1 } = convolution
  const [down, across] = patchesOf(convolution)
  const { places, patch } = convolutionSizes(convolution)
  const indices = new Int32Array(places * patch)
  let next = 0
  for (let top = 0; top < down; top++) {
    for (let left = 0; left < across; left++) {
      for (let y = 0; y < kernelSize; y++) {
        const first = ((top * stride + y) * width + left * stride) * channels
        for (let i = 0; i < kernelSize * channels; i++) indices[next++] = first + i
      }
    }
  }
  return indices
}

/** The filters of a network on its device. */
export interface Filters {
  /**
   * The rectified answers of all filters, place by place.
   *
   * @param x `f32 [B, inputs]`.
   * @returns `f32 [B, places · filters]`.
   */
  apply(x: Tensor, weights: TensorsByPath): Tensor
  dispose(): void
}

export function filtersOn(device: Device, convolution: Convolution): Filters {
  const { places, patch, outputs } = convolutionSizes(convolution)
  const found = patchIndices(convolution)
  const indices = retained(() => device.tensor(found, { shape: [found.length], dtype: 'i32' }, 'patches'))
  const { weight, bias } = convolutionPaths
  return {
    apply(x, weights) {
      const [rows] = x.shape
      const columns = gather(permute(x, [1, 0]), indices)
      const patches = reshape(permute(columns, [1, 0]), [rows * places, patch])
      return relu(reshape(linear(patches, weights[weight], weights[bias]), [rows, outputs]))
    },
    dispose: () => indices.release(),
  }
}

/** Makes a tensor that no scope around it ends. */
function retained(make: () => Tensor): Tensor {
  const made: Tensor[] = []
  scope(() => void made.push(make().retain()))
  return made[0]
}
