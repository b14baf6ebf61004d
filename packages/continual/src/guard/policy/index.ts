/** What is public of policies, and nothing else. */
export type { ApproveRules, GrowRules, LearnRules, NameRules, Policy } from './policy.ts'
export { policyGuard } from './policy-guard.ts'
export { checkPolicy, readPolicy } from './read-policy.ts'
