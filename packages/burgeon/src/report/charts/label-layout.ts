/** Something that needs room at a place on a line. */
export interface PlacedLabel {
  /** Where it belongs. */
  readonly at: number
  /** How much room it needs, in the same units. */
  readonly size: number
}

/**
 * Moves labels along a line just enough that none overlap, keeping their order and staying within `[min,
 * max]` if they fit.
 *
 * @returns the centre of each label, in the order given.
 */
export function spreadLabels(labels: readonly PlacedLabel[], min: number, max: number): number[] {
  const order = labels.map((_, i) => i).sort((a, b) => labels[a].at - labels[b].at || a - b)
  const centers = labels.map(({ at }) => at)
  let edge = min
  for (const i of order) {
    centers[i] = Math.max(centers[i], edge + labels[i].size / 2)
    edge = centers[i] + labels[i].size / 2
  }
  edge = max
  for (const i of order.reverse()) {
    centers[i] = Math.min(centers[i], edge - labels[i].size / 2)
    edge = centers[i] - labels[i].size / 2
  }
  return centers
}

/**
 * Gives labels that stand right of their place lanes above one another: each label the lowest lane in which
 * neither a label nor the line that leads from below to a label further right crosses it.
 *
 * @returns the lane of each label from 0, or null where more than `lanes` would be needed.
 */
export function stackLabels(labels: readonly PlacedLabel[], lanes: number): (number | null)[] {
  const found: (number | null)[] = labels.map(() => null)
  const done: number[] = []
  const fromTheRight = labels.map((_, i) => i).sort((a, b) => labels[b].at - labels[a].at || b - a)
  for (const i of fromTheRight) {
    const crossed = done.filter((other) => labels[other].at < labels[i].at + labels[i].size)
    const lane = crossed.reduce((highest, other) => Math.max(highest, (found[other] ?? -1) + 1), 0)
    if (lane < lanes) found[i] = lane
    done.push(i)
  }
  return found
}

/** Width in pixels of a text in a proportional font; a little too wide rather than too narrow. */
export function textWidth(text: string, fontSize: number): number {
  let units = 0
  for (const character of text) {
    if (/[\u1100-\u{1faff}]/u.test(character) && character > '\u2e7f') units += 1
    else if (/[iljtfr.,:;'|!() ]/.test(character)) units += 0.34
    else if (/[mwMW@%]/.test(character)) units += 0.9
    else units += /[A-Z0-9]/.test(character) ? 0.64 : 0.57
  }
  return units * fontSize
}
