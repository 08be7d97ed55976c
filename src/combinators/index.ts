/**
 * Ways to run several tasks, each with a full account of what became of them.
 *
 * @since 0.1.0
 */
export * as Arrival from "./Arrival.ts"
export * as Batch from "./Batch.ts"
export { DeadlineExceeded } from "./DeadlineExceeded.ts"
export * as Deadline from "./Deadline.ts"
export type * as Entries from "./Entries.ts"
export * as FirstWins from "./FirstWins.ts"
export { HookTimedOut } from "./HookTimedOut.ts"
export * as Join from "./Join.ts"
export * as Latest from "./Latest.ts"
export * as Loser from "./Loser.ts"
export * as Race from "./Race.ts"
export { RaceFailed } from "./RaceFailed.ts"
export type { Undone } from "./Undone.ts"
export type { HookOptions, Visit } from "./Visit.ts"
export * as VisitState from "./VisitState.ts"
