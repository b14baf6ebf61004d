/** What the functions of growth take. */
import { type Check, checks, type Key, type Mirror } from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { GrowthLog } from '../plan/growth-log.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'

/** A model. By its members, for the class itself depends on growth. */
export const aGpt: Check<Gpt> = checks.role('a Gpt', 'config', 'parameters', 'logGrowth')
/** A configuration. */
export const aConfig: Check<GptConfig> = checks.role('a configuration of gptConfig', 'vocabulary', 'blocks')
/** A request; the plan for its axis looks at the rest. */
export const aRequest: Check<GrowthRequest> = checks.role('a growth request', 'axis')
/** Of a random stream. */
export const aKey: Check<Key> = checks.pair(
  'a key: two integers from 0 to 2³² − 1',
  checks.integer({ from: 0, to: 2 ** 32 - 1 }),
)
/** A model's growth log. */
export const aLog: Check<GrowthLog> = checks.role('a growth log', 'birth', 'entries')
/** State that follows; what is missing of a mirror's methods is told when a plan is applied. */
export const someMirrors: Check<readonly Mirror[]> = checks.list(
  'a list of mirrors (objects with name and remap)',
  checks.role<Mirror>('a mirror', 'name', 'remap'),
)
