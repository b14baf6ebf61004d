/**
 * How strongly feedback pulls at present. Every preference loss has, at the weights of the moment, the
 * gradient of ordinary next-token losses with a weight each; these are the weights.
 */

/** How much of what feedback says is followed. */
export interface PreferenceStrength {
  /** How soon a preference is satisfied, β, > 0, per nat of log ratio. */
  readonly beta: number
  /** Weight of an accepted answer as text like any other, ν, ≥ 0. */
  readonly likelihood: number
}

/** σ(x) = 1 / (1 + e⁻ˣ). */
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** 4·σ(x)·σ(−x): 1 where the model is as it was, and less the further it has gone either way. */
const unsaturated = (x: number): number => 4 * sigmoid(x) * sigmoid(-x)

/**
 * Weight of each token of an answer that was liked: the gradient of the value function of KTO (Ethayarajh et
 * al. 2024, equation 7) about a reference point of 0 (APO-zero; D'Oosterlinck et al. 2024), and ν.
 *
 * @param ratio Log-probability of the answer now, less that when it was given, in nats.
 */
export const acceptedWeight = (ratio: number, { beta, likelihood }: PreferenceStrength): number =>
  unsaturated(beta * ratio) + likelihood

/** Weight of each token of an answer that was not liked, as `acceptedWeight`: never above 0. */
export const rejectedWeight = (ratio: number, { beta }: PreferenceStrength): number =>
  -unsaturated(beta * ratio)

/**
 * Weights of the tokens in which a wanted answer and the given one differ: the gradient of the loss of DPO
 * (Rafailov et al. 2023, equation 7), and ν for the wanted one.
 *
 * @param margin Log ratio of the wanted answer, less that of the given one, in nats; or how much likelier the
 *   wanted one is, where that is less.
 */
export function correctedWeights(
  margin: number,
  { beta, likelihood }: PreferenceStrength,
): { readonly given: number; readonly wanted: number } {
  const pull = 2 * sigmoid(-beta * margin)
  return { given: -pull, wanted: pull + likelihood }
}

const [mostDeviations, leastRatio, mostRatio] = [2, 0.8, 1.25]

/**
 * Weight of each token of an answer that was rewarded: by how many standard deviations its reward lies above
 * the mean of its source (REINFORCE with a baseline; Williams 1992), at most 2, times how much likelier its
 * tokens have become, within bounds (a ratio of the whole sequence by its length; Zheng et al. 2025, GSPO).
 *
 * @param ratio As of `acceptedWeight`.
 * @param tokens Number of tokens of the answer, ≥ 1.
 */
export function rewardedWeight(deviations: number, ratio: number, tokens: number): number {
  const kept = Math.min(mostDeviations, Math.max(-mostDeviations, deviations))
  return kept * Math.min(mostRatio, Math.max(leastRatio, Math.exp(ratio / tokens)))
}

/** Tokens of two answers between what they begin and what they end with alike. */
export function differenceOf(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { readonly from: number; readonly endOfA: number; readonly endOfB: number } {
  let from = 0
  while (from < a.length && from < b.length && a[from] === b[from]) from++
  let [endOfA, endOfB] = [a.length, b.length]
  while (endOfA > from && endOfB > from && a[endOfA - 1] === b[endOfB - 1]) {
    endOfA--
    endOfB--
  }
  return { from, endOfA, endOfB }
}
