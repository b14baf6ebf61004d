/** `12 steps of 8 rows, whose loss was 1.31 nats at first and 1.12 in the last`. */
export function learntSummary(losses: readonly number[], ofWhat: string): string {
  const [first, last] = [losses[0], losses[losses.length - 1]].map((loss) => loss.toFixed(2))
  const steps = losses.length === 1 ? 'one step' : `${losses.length} steps`
  return `${steps} of ${ofWhat}, whose loss was ${first} nats at first and ${last} in the last`
}
