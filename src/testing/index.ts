/**
 * Proof that code is safe to cancel: a checker that cancels at every point, one that tries every interleaving, and the
 * probes, gates and leak checks that they read. `rescind/testing/vitest` has them as `it.cancelEverywhere` and
 * `it.explore`.
 *
 * @since 0.1.0
 */
export * as CancelEverywhere from "./CancelEverywhere.ts"
export type * as CheckOptions from "./CheckOptions.ts"
export * as Explore from "./Explore.ts"
export type * as Finding from "./Finding.ts"
export * as Gate from "./Gate.ts"
export * as Laws from "./Laws.ts"
export * as Leaks from "./Leaks.ts"
export * as Ledger from "./Ledger.ts"
export * as Report from "./Report.ts"
export * as Simulation from "./Simulation.ts"
export * as TaskJournal from "./TaskJournal.ts"
export * as TaskPlan from "./TaskPlan.ts"
export * as TreeOnTimeout from "./TreeOnTimeout.ts"
export type * as Trial from "./Trial.ts"
