export { allClose, largestDifference } from './all-close.ts'
