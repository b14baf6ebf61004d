/** `@burgeon/senses/node`: what needs Node to be read. */
export { readPng } from './media/read-png.ts'
export { writePng } from './media/write-png.ts'
export { type FoundPiece, hasPieces, readPieces, type ReadPiecesOptions } from './media/read-pieces.ts'
export { readSenses, type ReadSensesOptions } from './media/read-senses.ts'
