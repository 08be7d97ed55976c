/**
 * Ways to run several tasks, each with a full account of what became of them.
 *
 * @since 0.1.0
 */
export * as Deadline from "./Deadline.ts"
export { DeadlineExceeded } from "./DeadlineExceeded.ts"
export type * as Entries from "./Entries.ts"
export * as Join from "./Join.ts"
export * as Loser from "./Loser.ts"
export * as Race from "./Race.ts"
export { RaceFailed } from "./RaceFailed.ts"
