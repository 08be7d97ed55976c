/**
 * A mutant: one small break of one law in one source file, as data. The lists next to this file hold them by topic;
 * `npm run mutants` applies one at a time and expects a test to go red. See `README.md`.
 */

export interface Mutant {
  /** What is broken, as a sentence about behaviour: "a finalizer runs twice". Unique over all lists. */
  readonly name: string
  /** Rows of the contract or of the requirements that it breaks: "K15", "K8 K12", "S3-20"; "D8": section 8 of the design, bad input. */
  readonly law: string
  /** From the root of the repository, with `/`. */
  readonly file: string
  /** Occurs exactly once in the file, character by character. */
  readonly find: string
  readonly replace: string
  /** Test files that can notice, tried in this order; the one that is quickest to notice first. */
  readonly tests: ReadonlyArray<string>
}

/** The mutants of one file of `fibers`, `combinators`, … */
export interface MutantList {
  /** "fibers/task" */
  readonly topic: string
  readonly mutants: ReadonlyArray<Mutant>
}
