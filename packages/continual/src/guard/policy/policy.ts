/**
 * What an operator has decided of a life: what it may learn, say and grow, and what somebody has to approve.
 */
import type { OutputRules } from '../output/output-filter.ts'
import type { PersonalDataVerdict } from '../personal/personal-data.ts'

/** Names that may be, and names that may not. One that ends with `*` stands for all that begin so. */
export interface NameRules {
  /** Only these; every name unless given. */
  readonly allow?: readonly string[]
  /** None of these, whatever `allow` says. None unless given. */
  readonly refuse?: readonly string[]
}

/** What may be learnt. */
export interface LearnRules {
  readonly sources?: NameRules
  readonly domains?: NameRules
  /** A text with one of these is refused. As those of `OutputRules`. */
  readonly phrases?: readonly string[]
  /** A text with a match of one of these is refused. As those of `OutputRules`. */
  readonly patterns?: readonly string[]
  /** What becomes of personal data; it is learnt as everything unless given. */
  readonly personalData?: PersonalDataVerdict
}

/** What may grow. */
export interface GrowRules {
  /** Kinds of requests that are carried out; every kind unless given. */
  readonly kinds?: readonly string[]
  /** Most learnt numbers that the model may ever have. */
  readonly maxParameters?: number
}

/** What waits until somebody says yes. */
export interface ApproveRules {
  /** Growth that leads to more learnt numbers than this. */
  readonly growthAbove?: number
  /** Forgetting of what was learnt. Default false. */
  readonly forget?: boolean
  /** Another policy. Default false. */
  readonly policy?: boolean
  /** A larger budget. Default false. */
  readonly budget?: boolean
}

/** A policy: plain data. */
export interface Policy {
  readonly learn?: LearnRules
  readonly say?: OutputRules
  readonly grow?: GrowRules
  readonly approve?: ApproveRules
}
