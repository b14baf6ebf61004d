/** How honest the probabilities of a classifier are. */
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'

/** Predictions and what came. */
export interface CalibrationInput {
  /** Of every prediction the scores of all classes, row by row: `rows × classes` numbers. */
  readonly scores: ArrayLike<number>
  /** The class that came, for every row. */
  readonly labels: ArrayLike<number>
  /** Number of classes, ≥ 2. */
  readonly classes: number
  /**
   * Whether scores are logits, or probabilities that add up to 1 in each row. `probabilities` unless
   * given.
   */
  readonly scale?: 'probabilities' | 'logits'
  /** Bins of equal width that confidences are sorted into, ≥ 1. 15 unless given. */
  readonly bins?: number
}

/** Proper scores and calibration errors, means over all rows. Lower is better for all but `accuracy`. */
export interface Calibration {
  readonly rows: number
  /** Share of rows whose label has the highest score; among equal scores the first class counts. */
  readonly accuracy: number
  /** −ln p(label), in nats; infinite where a label had no chance. */
  readonly negativeLogLikelihood: number
  /** Σ over classes of (p − [class is the label])² (Brier 1950), from 0 to 2. */
  readonly brier: number
  /**
   * Expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3): |accuracy − confidence| of the
   * predicted class, by bin, weighted by rows. From 0 to 1.
   */
  readonly expectedCalibrationError: number
  /** The largest such difference of a bin (Guo et al. 2017, eq. 5). */
  readonly maximumCalibrationError: number
  /**
   * The same for the probability of each class, whether predicted or not (static calibration error, Nixon et
   * al. 2019, eq. 2, before the mean over classes).
   */
  readonly byClass: readonly number[]
}

/**
 * Scores predictions of classes. A bin holds confidences above its lower edge up to its upper one.
 *
 * @throws OptionError for numbers of scores and labels that do not belong together, a label that is no class,
 *   probabilities outside [0, 1] or rows that do not add up to 1 within 1e-3, and logits that are not finite.
 */
export function calibrationOf(input: CalibrationInput): Calibration {
  checkOptions('calibrationOf', input, {
    scores: checks.required(checks.numbers),
    labels: checks.required(checks.tokens),
    classes: checks.required(checks.integer({ from: 2 })),
    scale: checks.oneOf('probabilities', 'logits'),
    bins: checks.integer({ from: 1 }),
  })
  const { scores, labels, classes, scale = 'probabilities', bins = 15 } = input
  const rows = labels.length
  if (rows === 0 || scores.length !== rows * classes) {
    throw new OptionError(
      `calibrationOf: got ${scores.length} scores and ${rows} labels of ${classes} classes; expected at least one label, and ${classes} scores for each.`,
    )
  }
  const predicted = new Bins(bins)
  const byClass = Array.from({ length: classes }, () => new Bins(bins))
  let [right, loss, brier] = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    const label = labels[row]
    if (label >= classes) {
      throw new OptionError(
        `calibrationOf: got the label ${label} in row ${row}; expected a class from 0 to ${classes - 1}.`,
      )
    }
    const own = Array.from({ length: classes }, (_, c) => scores[row * classes + c])
    const { probabilities, logarithm } =
      scale === 'logits' ? softmax(own, label, row) : given(own, label, row)
    const best = probabilities.indexOf(Math.max(...probabilities))
    if (best === label) right++
    loss -= logarithm
    probabilities.forEach((p, c) => {
      brier += (p - Number(c === label)) ** 2
      byClass[c].add(p, c === label)
    })
    predicted.add(probabilities[best], best === label)
  }
  return {
    rows,
    accuracy: right / rows,
    negativeLogLikelihood: loss / rows + 0,
    brier: brier / rows,
    expectedCalibrationError: predicted.expectedError(),
    maximumCalibrationError: predicted.maximumError(),
    byClass: byClass.map((own) => own.expectedError()),
  }
}

/** Probabilities of a row, and the logarithm of that of its label. */
interface RowOf {
  readonly probabilities: readonly number[]
  readonly logarithm: number
}

function softmax(logits: readonly number[], label: number, row: number): RowOf {
  const wrong = logits.find((x) => !Number.isFinite(x))
  if (wrong !== undefined) checkArgument('calibrationOf', `scores in row ${row}`, wrong, checks.number())
  const most = Math.max(...logits)
  const parts = logits.map((x) => Math.exp(x - most))
  const total = parts.reduce((a, b) => a + b, 0)
  return { probabilities: parts.map((x) => x / total), logarithm: logits[label] - most - Math.log(total) }
}

function given(probabilities: readonly number[], label: number, row: number): RowOf {
  const total = probabilities.reduce((a, b) => a + b, 0)
  if (!probabilities.every((p) => p >= 0 && p <= 1 + 1e-6) || Math.abs(total - 1) > 1e-3) {
    throw new OptionError(
      `calibrationOf: got the scores ${shown(probabilities)} in row ${row}; expected probabilities that add up to 1, or scale 'logits'.`,
    )
  }
  return { probabilities, logarithm: Math.log(probabilities[label]) }
}

/** Confidences by bins of equal width, and how often they were right. */
class Bins {
  readonly #count: Float64Array
  readonly #confidence: Float64Array
  readonly #right: Float64Array

  constructor(bins: number) {
    this.#count = new Float64Array(bins)
    this.#confidence = new Float64Array(bins)
    this.#right = new Float64Array(bins)
  }

  add(confidence: number, isRight: boolean): void {
    const bins = this.#count.length
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))
    this.#count[bin]++
    this.#confidence[bin] += confidence
    this.#right[bin] += Number(isRight)
  }

  expectedError(): number {
    const total = this.#count.reduce((a, b) => a + b, 0)
    return this.#right.reduce((sum, right, i) => sum + Math.abs(right - this.#confidence[i]), 0) / total
  }

  maximumError(): number {
    return this.#right.reduce(
      (most, right, i) => Math.max(most, Math.abs(right - this.#confidence[i]) / Math.max(1, this.#count[i])),
      0,
    )
  }
}
