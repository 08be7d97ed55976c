/** A program that runs under both checkers, and the public functions that it stands for. */
import type * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import type * as Explore from "../../src/testing/Explore.ts"
import type { Program } from "../../src/testing/Trial.ts"

export interface Subject {
  /** A sentence: what happens in it. */
  readonly name: string
  /** Public functions that it exercises: "Race.firstSuccess". */
  readonly covers: ReadonlyArray<string>
  /** Laws of the contract that its invariant or the checks of the kit prove here: "K15". */
  readonly laws?: ReadonlyArray<string>
  readonly program: Program<any, any>
  readonly everywhere?: CancelEverywhere.Options<any, any>
  readonly explore?: Explore.Options<any, any>
}
