/**
 * What became of a mutant, judged from what its tests told. A mutant counts as killed only when a test noticed: one that
 * does not load, or whose test stumbles over a name that does not exist, says something about the list, not about the tests.
 */
import type { Mutant } from "../Mutant.ts"

export interface Failure {
  readonly name: string
  readonly message: string
}

/** One run of one test file, as the test process tells it. */
export interface FileRun {
  readonly tests: number
  /** Milliseconds spent in all tests, and in the longest. */
  readonly took: number
  readonly longest: number
  /** The first test that failed. */
  readonly failed?: { readonly title: string; readonly error: Failure } | undefined
  /** The file, or what it imports, could not be loaded. */
  readonly notLoaded?: Failure | undefined
  /** Outside of any test. */
  readonly unhandled?: Failure | undefined
}

export type Verdict =
  | { readonly _tag: "Killed" | "Hung"; readonly test: string; readonly title: string; readonly message: string }
  | { readonly _tag: "Survived" }
  | { readonly _tag: "Broken"; readonly why: string }
  | { readonly _tag: "DoesNotApply"; readonly why: string }

export interface Result {
  readonly topic: string
  readonly mutant: Mutant
  readonly verdict: Verdict
  /** Milliseconds. */
  readonly took: number
}

export const isGood = ({ _tag }: Verdict): boolean => _tag === "Killed" || _tag === "Hung"

/** `undefined`: this file noticed nothing. */
export const judge = (test: string, run: FileRun): Verdict | undefined => {
  if (run.failed !== undefined) {
    const { title, error } = run.failed
    if (error.name === "ReferenceError") return { _tag: "Broken", why: `${error.message} (${test}: ${title})` }
    const _tag = /^(Test|Hook) timed out in /.test(error.message) ? "Hung" : "Killed"
    return { _tag, test, title, message: `${error.name}: ${error.message}` }
  }
  if (run.notLoaded !== undefined) return { _tag: "Broken", why: `${run.notLoaded.message} (${test} did not load)` }
  if (run.unhandled !== undefined) {
    const { name, message } = run.unhandled
    return { _tag: "Killed", test, title: "outside of any test", message: `${name}: ${message}` }
  }
  return run.tests === 0 ? { _tag: "Broken", why: `${test} has no test` } : undefined
}
