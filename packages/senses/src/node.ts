/** `@burgeon/senses/node`: what needs Node to be read. */
export { readPng } from './media/read-png.ts'
