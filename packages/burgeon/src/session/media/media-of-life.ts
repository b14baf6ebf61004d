/** How a life reads media, where it does. */
import { findSenses } from '../../sources/media/find-senses.ts'
import type { MediaReading } from '../../sources/media/media-pieces.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import type { Life } from '../life/life-checkpoint.ts'

/**
 * How a life reads pictures, sound and tables; undefined for one that reads text alone.
 *
 * @throws UsageError for a life that cannot: its vocabulary grows, its weights came with a tokenizer, or a guard
 *   judges what it learns; UnsupportedError where `@burgeon/senses` is not installed.
 */
export async function mediaOfLife(
  { settings, learner }: Pick<Life, 'settings' | 'learner'>,
  isGuarded: boolean,
): Promise<MediaReading | undefined> {
  if (settings.senses !== true) return undefined
  const why =
    learner.strategy.vocabulary !== undefined || settings.pretrained === true
      ? 'a life whose tokens are more than bytes, beside which no sense can stand. Begin one with --senses'
      : settings.labels === true
        ? 'a life with labels, which stand before text alone. Leave out --senses'
        : isGuarded
          ? 'a life with a guard or a policy, which judges text alone. Leave out --senses'
          : undefined
  if (why !== undefined) throw new UsageError(`learn: got --senses for ${why}.`)
  return { senses: await findSenses('learn'), room: settings.model.context }
}
