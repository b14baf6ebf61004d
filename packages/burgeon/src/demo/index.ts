/** `burgeon/demo`: what the demonstration `burgeon first-life` learns, and with which settings. */
export { type DefaultStreamOptions, defaultStream } from './default-stream.ts'
export { domainChunks } from './domain-chunks.ts'
export type { DomainText } from './domain-text.ts'
export { firstLifeBytes, firstLifeSettings } from './first-life-settings.ts'
