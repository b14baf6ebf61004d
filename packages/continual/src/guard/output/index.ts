/** What is public of what may be said, and nothing else. */
export { type OutputFilter, outputFilter, type OutputRules } from './output-filter.ts'
