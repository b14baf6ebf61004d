/** How well the probabilities of one domain are founded. */

/** Calibration of one domain. */
export interface DomainCalibration {
  /** Predictions so far. */
  readonly predictions: number
  /** By which logits are divided. */
  readonly temperature: number
  /** Share of the latest predictions whose set held what came. */
  readonly coverage: number
  /** Tokens of such a set, on average lately. */
  readonly setSize: number
  /** Before temperature. */
  readonly raw: CalibrationScores
  /** At the temperature that was known before each prediction. */
  readonly calibrated: CalibrationScores
}

/** Scores of the latest predictions. */
export interface CalibrationScores {
  /** Expected calibration error of the likeliest token, in bins of equal mass, from 0 to 1. */
  readonly expectedCalibrationError: number
  /** −ln p of what came, in nats. */
  readonly negativeLogLikelihood: number
}
