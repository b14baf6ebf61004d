/** Dense network: matrices with a rectifier between them. What learns where no text is read. */
import {
  add,
  type Check,
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  checkState,
  defaultDevice,
  Device,
  elementwise,
  expression,
  keyFromSeed,
  linear,
  OptionError,
  ParameterError,
  ParameterStore,
  type PlainTensors,
  plainTensors,
  RandomStream,
  relu,
  sameShape,
  scope,
  slice,
  type StateChecks,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { type Batch, isTokenBatch } from '../stream/batch.ts'
import { checkConvolution, type Convolution, filtersOn, savedConvolution } from './convolution.ts'
import { type DenseInitial, drawDense } from './dense-initial.ts'
import { type DenseShape, type DenseSizes, shapesOf } from './dense-sizes.ts'
import type { Model } from './model.ts'

/** How a new network begins. */
export interface DenseOptions {
  /** Numbers that are read for each example, ≥ 1. */
  readonly inputs: number
  /**
   * Filters that read the inputs as an image, before the hidden layers. They do not grow, and are none of the
   * hidden layers.
   */
  readonly convolution?: Convolution
  /** Units of each hidden layer, from the inputs on, each ≥ 1; none unless given. */
  readonly hidden?: readonly number[]
  /**
   * `xavier`: uniform with variance 2/(in + out), biases 0 (Glorot & Bengio 2010, eq. 16); `he`: uniform with
   * variance 2/in, biases 0 (He et al. 2015, eq. 10); `pytorch`: weights and biases uniform in ±1/√in, as
   * `torch.nn.Linear`. `xavier` unless given.
   */
  readonly initial?: DenseInitial
  /** 0 unless given. */
  readonly seed?: number
  /** The default device unless given. */
  readonly device?: Device
}

/** A classifier of examples. */
export interface ClassifierOptions extends DenseOptions {
  /** Number of classes, ≥ 2. */
  readonly classes: number
  /**
   * Whether the inputs of a row are followed by one number for each class: 1 where it can be meant, 0 where
   * not, as where the task is known. The logits of the others are then 1e9 lower. False unless given.
   */
  readonly masked?: boolean
}

/** A network that predicts numbers. */
export interface RegressorOptions extends DenseOptions {
  /** Numbers to predict for each example, ≥ 1. */
  readonly outputs: number
}

/** What a network predicts. */
interface DenseKind {
  readonly predicts: 'classes' | 'numbers'
  /** Whether each row says which classes can be meant. */
  readonly masked: boolean
  /** Distribution of its new weights, also of units that begin again. */
  readonly initial: DenseInitial
}

/** A network as plain data. */
export interface DenseState extends DenseSizes, DenseKind {
  readonly weights: PlainTensors
}

const aSize = checks.integer({ from: 1 })
const aHidden = checks.list('a list of positive integers', aSize)
const anInitial = checks.oneOf('xavier', 'he', 'pytorch')

const optionChecks: ChecksOf<DenseOptions> = {
  inputs: checks.required(aSize),
  convolution: checks.object('sizes of a convolution'),
  hidden: aHidden,
  initial: anInitial,
  seed: checks.seed,
  device: checks.instance('a Device', Device),
}

const stateChecks: StateChecks<DenseState> = {
  inputs: aSize,
  convolution: savedConvolution,
  hidden: aHidden,
  outputs: aSize,
  predicts: checks.oneOf('classes', 'numbers'),
  masked: checks.boolean,
  initial: anInitial,
  weights: checks.object('tensors by path'),
}

/** What is wanted of a forward pass besides its outputs. */
export interface DenseForwardOptions {
  /** Is shown the activations of each hidden layer, `f32 [B, units]`, from the inputs on. */
  readonly observe?: (hidden: Tensor) => void
}

/** A dense network; its parameters keep their paths and handles while it grows. */
export interface DenseNetwork extends Model {
  readonly predicts: 'classes' | 'numbers'
  /** Distribution of its new weights. */
  readonly initial: DenseInitial
  /** As they are now. */
  readonly sizes: DenseSizes
  /** @throws OptionError for inputs of another width. */
  forward(inputs: Tensor, weights?: TensorsByPath, options?: DenseForwardOptions): Tensor
  toState(): Promise<DenseState>
  dispose(): void
}

/** Any network that `classifier`, `regressor` or `denseFromState` made. */
export const aDenseNetwork: Check<DenseNetwork> = checks.role(
  'a dense network',
  ...(['sizes', 'initial', 'parameters', 'forward'] as const),
)

/**
 * A dense network (MLP) that tells classes apart by cross-entropy. Rectifiers stand between its layers.
 *
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * const model = classifier({ inputs: 784, hidden: [100, 100], classes: 10 })
 * const learner = new Learner({ model, optimizer: sgd(0.03) })
 * ```
 */
export function classifier(options: ClassifierOptions): DenseNetwork {
  checkOptions('classifier', options, {
    ...optionChecks,
    classes: checks.required(checks.integer({ from: 2 })),
    masked: checks.boolean,
  })
  if (options.convolution) checkConvolution('classifier', options.convolution, options.inputs)
  const { classes, masked = false } = options
  return made(options, { outputs: classes, predicts: 'classes', masked })
}

/**
 * A dense network (MLP) that predicts numbers by their mean squared error. Rectifiers stand between its
 * layers.
 *
 * @throws OptionError for options out of range.
 */
export function regressor(options: RegressorOptions): DenseNetwork {
  checkOptions('regressor', options, { ...optionChecks, outputs: checks.required(aSize) })
  if (options.convolution) checkConvolution('regressor', options.convolution, options.inputs)
  return made(options, { outputs: options.outputs, predicts: 'numbers', masked: false })
}

/**
 * The network that `toState` described.
 *
 * @param device The default device unless given.
 * @throws StateError for a state that is none, ParameterError for weights that are missing or do not fit.
 */
export function denseFromState(state: DenseState, device: Device = defaultDevice()): DenseNetwork {
  const { inputs, convolution, hidden, outputs, predicts, masked, initial, weights } = checkState<DenseState>(
    'denseFromState',
    state,
    stateChecks,
  )
  checkArgument('denseFromState', 'device', device, checks.instance('a Device', Device))
  if (convolution) checkConvolution('denseFromState', convolution, inputs)
  const sizes = { inputs, ...(convolution && { convolution }), hidden, outputs }
  const shapes = shapesOf(sizes)
  const extra = Object.keys(weights).find((path) => !shapes.some((shape) => shape.path === path))
  if (extra !== undefined) throw new ParameterError(`denseFromState: ${extra} has no place in the network.`)
  return networkOf(device, sizes, { predicts, masked, initial }, ({ path, shape }) => {
    const saved = Object.hasOwn(weights, path) ? weights[path] : undefined
    if (saved === undefined || !sameShape(saved.shape, shape) || !checks.numbers.accepts(saved.data)) {
      throw new ParameterError(
        `denseFromState: the saved ${path} does not fit; expected shape [${shape.join(', ')}].`,
      )
    }
    return saved.data
  })
}

function made(
  { inputs, convolution, hidden = [], initial = 'xavier', seed = 0, device = defaultDevice() }: DenseOptions,
  { outputs, ...kind }: Omit<DenseKind, 'initial'> & Pick<DenseSizes, 'outputs'>,
): DenseNetwork {
  const random = new RandomStream(keyFromSeed(seed))
  const sizes = { inputs, ...(convolution && { convolution }), hidden, outputs }
  return networkOf(device, sizes, { ...kind, initial }, (shape) => {
    const [size] = shape.shape
    return drawDense(initial, shape, random) ?? new Float32Array(size)
  })
}

/** 0 where a class can be meant, −1e9 where not. */
const penaltyOf = expression.multiply(
  expression.subtract(expression.input(0), expression.constant(1)),
  expression.constant(1e9),
)

function networkOf(
  device: Device,
  born: DenseSizes,
  kind: DenseKind,
  numbersOf: (shape: DenseShape) => ArrayLike<number>,
): DenseNetwork {
  const parameters = new ParameterStore()
  for (const one of shapesOf(born)) {
    const { path, axes, shape } = one
    const numbers = numbersOf(one)
    scope(() => parameters.add(path, axes, device.tensor(numbers, { shape, dtype: 'f32' }, path)))
  }
  const layers = born.hidden.length + 1
  const { hidden: _, ...fixed } = born
  const { inputs, convolution, outputs } = born
  const filters = convolution && filtersOn(device, convolution)
  const hiddenNow = (): number[] =>
    born.hidden.map((_, i) => parameters.get(`layers.${i}.bias`).tensor.shape[0])
  return {
    device,
    parameters,
    predicts: kind.predicts,
    initial: kind.initial,
    get sizes() {
      return { ...fixed, hidden: hiddenNow() }
    },
    forward(x, weights = parameters.tensors(), { observe } = {}) {
      let now = kind.masked ? slice(x, [0, 0], [x.shape[0], inputs]) : x
      if (filters) now = filters.apply(now, weights)
      for (let i = 0; i < layers; i++) {
        now = linear(now, weights[`layers.${i}.weight`], weights[`layers.${i}.bias`])
        if (i === layers - 1) break
        now = relu(now)
        observe?.(now)
      }
      return kind.masked ? add(now, elementwise(penaltyOf, [slice(x, [0, inputs])])) : now
    },
    check: (batch) => checkFits(batch, inputs + (kind.masked ? outputs : 0), outputs, kind.predicts),
    async toState() {
      const weights = await plainTensors(parameters.tensors())
      return { ...fixed, hidden: hiddenNow(), ...kind, weights }
    },
    dispose() {
      parameters.dispose()
      filters?.dispose()
    },
  }
}

/** Throws OptionError for rows of another width, or a class that there is not. */
function checkFits(batch: Batch, inputs: number, outputs: number, predicts: DenseNetwork['predicts']): void {
  if (isTokenBatch(batch)) throw new OptionError('dense: got rows of tokens; expected examples.')
  const [width, wanted] = [batch.inputs.length / batch.rows, batch.targets.length / batch.rows]
  if (width !== inputs) throw new OptionError(`dense: got ${width} inputs for each row; expected ${inputs}.`)
  if (predicts === 'numbers') {
    if (wanted === outputs) return
    throw new OptionError(`dense: got ${wanted} targets for each row; expected ${outputs}.`)
  }
  const strange = batch.targets.find((target) => target >= outputs)
  if (strange !== undefined) {
    throw new OptionError(`dense: got class ${strange}; expected one of 0 to ${outputs - 1}.`)
  }
}
