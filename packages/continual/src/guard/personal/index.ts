/** What is public of personal data, and nothing else. */
export {
  findPersonalData,
  type PersonalCategory,
  type PersonalSpan,
  redactPersonalData,
} from './find-personal-data.ts'
export { personalData, type PersonalDataVerdict } from './personal-data.ts'
export { type PersonalStream, personalStream } from './personal-stream.ts'
