/** `@burgeon/gpt/testing`: storage that fails on purpose, for testing what must survive it. */
export { type Fault, type MemoryDisk, memoryDisk, PowerCutError } from './memory-disk.ts'
