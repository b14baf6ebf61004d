/** What the commands of a cluster have in common: a broker, which is let go of whatever happens. */
import { type BrokerOptions, reachBroker, type ReachedBroker } from '../../session/cluster/broker.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { exitCodes } from '../exit-codes.ts'

/**
 * Works with the broker of a cluster. Returns the exit code.
 *
 * @param how As in `reachBroker`; `stopped` gives the exit code where somebody asked to stop before it was there,
 *   that of the signal unless given.
 * @throws As `reachBroker`, and what the body throws.
 */
export async function withBroker(
  who: string,
  options: BrokerOptions,
  context: CommandContext,
  how: Parameters<typeof reachBroker>[3] & { readonly stopped?: () => number },
  body: (broker: ReachedBroker) => Promise<number>,
): Promise<number> {
  const broker = await reachBroker(who, options, context, how)
  if (broker === null) return how.stopped?.() ?? exitCodes[String(context.stop.reason)] ?? 0
  try {
    return await body(broker)
  } finally {
    await broker.close()
  }
}
