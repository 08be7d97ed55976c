/** A program that runs under both checkers, and the public functions that it stands for. */
import type { CancelPolicyInput } from "../../src/fibers/CancelPolicy.ts"
import type * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import type * as Explore from "../../src/testing/Explore.ts"
import type * as Finding from "../../src/testing/Finding.ts"
import type { Invariant, Program } from "../../src/testing/Trial.ts"

export interface Subject {
  /** A sentence: what happens in it. */
  readonly name: string
  /** Public functions that it exercises: "Race.firstSuccess"; of a handle or service in lower case: "nursery.spawn". */
  readonly covers: ReadonlyArray<string>
  /** Laws of the contract that its invariant or the checks of the kit prove here: "K15". */
  readonly laws?: ReadonlyArray<string>
  readonly program: Program<any, any>
  /** After every run of either checker, besides one that the program has itself. */
  readonly invariant?: Invariant<any, any>
  /** Findings that are meant to be: "clean-up-failed" where a failure that meets a cancel is kept as one (K3). */
  readonly allow?: ReadonlyArray<Finding.Kind>
  /** False: not under a second cancel as well. */
  readonly again?: boolean
  /** Patience of the cancels under which it runs besides the default one. */
  readonly policies?: ReadonlyArray<CancelPolicyInput>
  readonly everywhere?: CancelEverywhere.Options<any, any>
  readonly explore?: Explore.Options<any, any>
}
